-- settle.lua: ends leases: each job ends (results, outbox) or goes back to `later`, in one step (Q3, Q4).
-- KEYS  1 meta
-- ARGV  1 now, then per settlement four words: `id:n:queue`; then
--       an ended state, unique key or empty, tail (ends.lua) · or: "retry", delay (us), the attempt
-- Returns {now, a letter per settlement: s d c ended so · r waits for its retry · - not ours, nothing changed}
local LETTERS = {succeeded = 's', dead = 'd', cancelled = 'c'}
local members, ids, taken = {}, {}, 0
for at = 2, #ARGV, 4 do
  members[(at + 2) / 4] = ARGV[at]
end
local held = fetch('ZMSCORE', LEASES, members)
local answers, gone, retries, retry_at, seen = {}, {}, {}, {}, {}
for i, member in ipairs(members) do
  if not held[i] or seen[member] then
    answers[i] = '-'
  else
    seen[member] = true
    local at = 4 * i - 2
    local id, verb = string.sub(member, 1, 36), ARGV[at + 1]
    taken = taken + 1
    gone[taken], ids[taken] = member, id
    add(running, queue_of(member), -1)
    if verb == 'retry' then
      retries[#retries + 1] = id
      retry_at[#retry_at + 1] = i
    else
      answers[i] = LETTERS[verb]
      end_job(id, verb, ARGV[at + 3], ARGV[at + 2])
    end
  end
end

local rows, later, queues, expiry, expiry_queues = {}, {}, {}, {}, {}
for k, row in ipairs(fetch('HMGET', RUNS, retries)) do
  local i, id = retry_at[k], retries[k]
  local at = 4 * i - 2
  local queue = queue_of(members[i])
  local n, failures, crashes, mark, _, expires, _, unique = parse_run(row)
  if mark == '1' then
    answers[i] = 'c'
    end_job(id, 'cancelled', ' ' .. (failures + crashes + 1) .. '\n\n' .. ARGV[at + 3] .. '\n', unique)
  else
    answers[i] = 'r'
    remember(id, ARGV[at + 3])
    local due = text(now + tonumber(ARGV[at + 2]))
    rows[#rows + 1] = id
    rows[#rows + 1] = run_row(n + 1, failures + 1, crashes, '2', due, expires, '', unique)
    later[#later + 1] = due
    later[#later + 1] = id .. ':' .. (n + 1) .. ':' .. queue
    queues[#queues + 1] = queue
    add(scheduled, queue, 1)
    if expires ~= '0' then
      expiry[#expiry + 1] = expires
      expiry[#expiry + 1] = id .. ':' .. queue .. ':' .. unique
      expiry_queues[#expiry_queues + 1] = queue
    end
  end
end

bulk('ZREM', LEASES, gone)
if redis.call('EXISTS', PROGRESS) == 1 then
  bulk('HDEL', PROGRESS, ids)
end
bulk('HSET', RUNS, rows)
add_timed(LATER, later, queues)
add_timed(EXPIRY, expiry, expiry_queues)
write_ends()
finish()
return {now, table.concat(answers)}

-- settle.lua: ends leases: each job ends (results, outbox) or goes back to `later`, in one step (Q3, Q4).
-- KEYS  1 meta
-- ARGV  1 now, then heads and settlements. A head is three words, for all that follow up to the next: `=`, queue, kind.
--       Settlements of kind `plain` (succeeded, no unique key): ticket, tail (ends.lua)
--       of kind `retry`: ticket, delay (us), the attempt · of an ended state: ticket, unique key or empty, tail
-- Returns {now, a letter per settlement: s d c ended so · r waits for its retry · - not ours, nothing changed}
local LETTERS = {succeeded = 's', dead = 'd', cancelled = 'c'}
local answers, retries, seen = {}, {}, {}
local count = 0

-- Ends or puts by for retry what is held of one run of settlements of the same kind.
local function settle(queue, kind, tickets, firsts, seconds, held)
  local plain = kind == 'plain'
  local state = plain and 'succeeded' or kind
  local letter, prefix, taken = LETTERS[state], state .. ' ' .. NOW, 0
  for i, ticket in ipairs(tickets) do
    local place = held[i]
    count = count + 1
    if not place or seen[ticket] then
      answers[count] = '-'
    else
      seen[ticket] = true
      leave(ticket, place)
      taken = taken + 1
      local id = #ticket == 36 and ticket or string.sub(ticket, 1, 36)
      if plain then
        ended = ended + 1
        results[2 * ended - 1], results[2 * ended] = id, prefix .. firsts[i]
        outbox[ended] = id
        answers[count] = 's'
      elseif kind == 'retry' then
        retries[#retries + 1] = {id, queue, tonumber(firsts[i]), seconds[i], count}
      else
        answers[count] = letter
        end_job(id, state, seconds[i], firsts[i])
      end
    end
  end
  if plain and taken > 0 then
    totals[state] = (totals[state] or 0) + taken
  end
  if taken > 0 then
    add(running, queue, -taken)
  end
end

local at, last = 2, #ARGV
while at <= last do
  local queue, kind = ARGV[at + 1], ARGV[at + 2]
  at = at + 3
  local tickets, firsts, seconds, some = {}, {}, {}, 0
  local words = kind == 'plain' and 2 or 3
  while at <= last and ARGV[at] ~= '=' do
    some = some + 1
    tickets[some], firsts[some], seconds[some] = ARGV[at], ARGV[at + 1], ARGV[at + 2]
    at = at + words
  end
  settle(queue, kind, tickets, firsts, seconds, fetch('HMGET', LENT, tickets))
end

local ids, rows = {}, {}
for k, retry in ipairs(retries) do
  ids[k] = retry[1]
end
for k, row in ipairs(fetch('HMGET', RUNS, ids)) do
  local id, queue, delay, attempt, i = unpack(retries[k])
  local n, failures, crashes, mark, _, expires, _, unique = parse_run(row)
  if mark == '1' then
    answers[i] = 'c'
    end_job(id, 'cancelled', ' ' .. (failures + crashes + 1) .. '\n\n' .. attempt .. '\n', unique)
  else
    answers[i] = 'r'
    remember(id, attempt)
    local due = text(now + delay)
    rows[#rows + 1] = id
    rows[#rows + 1] = run_row(n + 1, failures + 1, crashes, '2', due, expires, '', unique)
    add_later(id, n + 1, queue, due)
    add_expiry(id, queue, expires, unique)
  end
end

bulk('HSET', RUNS, rows)
write_timed()
write_leavers()
write_ends()
finish()
return {now, table.concat(answers)}

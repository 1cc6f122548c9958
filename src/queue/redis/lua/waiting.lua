-- waiting.lua: jobs that wait for their time, in the order in which they are due (Q11).
-- KEYS  1 meta
-- ARGV  1 now   2 queue, or empty: of all   3 when the last job is due that was seen   4 its id, or empty: from the first
--       5 want   6 scheduled | retrying, or empty: both
-- Returns {now, when the last job is due that was looked at, its ticket, or empty: there are no more,
--       then per job: when it is due, its ticket}
local LOOK = 1000
local queue, want, state = ARGV[2], math.min(tonumber(ARGV[5]), LOOK), ARGV[6]

-- Byte by byte, as the set orders those that are due together; Lua's `<` goes by a language.
local function is_below(a, b)
  for i = 1, 36 do
    local x, y = string.byte(a, i), string.byte(b, i)
    if x ~= y then
      return x < y
    end
  end
  return false
end

-- The rank of the first job after the one with this id that is due at `due`, whether or not that one is still there.
local function rank_after(due, id)
  local low, high = 0, redis.call('ZCARD', LATER)
  while low < high do
    local middle = math.floor((low + high) / 2)
    local entry = redis.call('ZRANGE', LATER, middle, middle, 'WITHSCORES')
    local at = tonumber(entry[2])
    if at > due or (at == due and is_below(id, entry[1])) then
      high = middle
    else
      low = middle + 1
    end
  end
  return low
end

-- For each entry with its score, whether it is of the queue and in the state that are wanted.
local function wanted(entries)
  local answers, ids = {}, {}
  for i = 1, #entries, 2 do
    answers[#answers + 1] = queue == '' or queue_of(entries[i]) == queue
    ids[#ids + 1] = string.sub(entries[i], 1, 36)
  end
  if state ~= '' then
    for i, row in ipairs(fetch('HMGET', RUNS, ids)) do
      local mark = row and string.match(row, '^%d+ %d+ %d+ (%d)')
      answers[i] = answers[i] and (mark == '2' and 'retrying' or 'scheduled') == state
    end
  end
  return answers
end

local rank = ARGV[4] == '' and 0 or rank_after(tonumber(ARGV[3]), ARGV[4])
local reply, found, looked = {now, 0, ''}, 0, 0
local due, last = 0, ''
while found < want and looked < LOOK do
  local most = math.min(LOOK - looked, queue .. state == '' and want - found or 250)
  local entries = redis.call('ZRANGE', LATER, rank, rank + most - 1, 'WITHSCORES')
  for i, good in ipairs(wanted(entries)) do
    local member = entries[2 * i - 1]
    due, last = tonumber(entries[2 * i]), string.sub(member, 1, -2 - #queue_of(member))
    rank, looked = rank + 1, looked + 1
    if good then
      found = found + 1
      reply[2 + 2 * found], reply[3 + 2 * found] = due, last
      if found == want then
        break
      end
    end
  end
  if #entries < 2 * most then
    break
  end
end
if rank < redis.call('ZCARD', LATER) then
  reply[2], reply[3] = due, last
end
return reply

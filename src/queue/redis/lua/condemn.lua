-- condemn.lua: ends what waited in a queue when it was purged. Used after base.lua and ends.lua.
-- `condemned` lists what is still to be done, oldest first: `line <number> <queue>` for a line that was left behind
-- (`condemned:<number>`), `later <queue>` for the queue's part of `later`. `purges` says how far that has been looked
-- through; what came there since the purge is in `spared:<queue>`.

local PAGE = 400
local HEADS = 4 * 1024 * 1024
local purging = redis.call('EXISTS', CONDEMNED) == 1

-- Whether a member of `later` waited there when its queue was purged.
local function is_condemned(member, queue)
  return purging and redis.call('HEXISTS', PURGES, queue) == 1
    and redis.call('SISMEMBER', SPARED .. queue, member) == 0
end

local heads_read, largest_read = 0, 0

-- Cancels the waiting jobs of these tickets, as long as each is its job's current one; `taken`: they were taken from
-- their line, else they stand in `later`. Answers how many it dealt with: fewer than all when the bodies, whose heads
-- it needs, are too much for one call.
local function cancel_all(tickets, queue, taken)
  local dealt = 0
  while dealt < #tickets and (heads_read == 0 or heads_read < HEADS) do
    local few = largest_read == 0 and 16 or math.max(1, math.min(128, math.floor((HEADS - heads_read) / largest_read)))
    local ids = {}
    for i = dealt + 1, math.min(dealt + few, #tickets) do
      ids[#ids + 1] = string.sub(tickets[i], 1, 36)
    end
    local rows, texts = redis.call('HMGET', RUNS, unpack(ids)), redis.call('HMGET', JOBS, unpack(ids))
    for i, id in ipairs(ids) do
      local n, failures, crashes = parse_run(rows[i])
      if texts[i] and tickets[dealt + i] == ticket_of(id, n) then
        heads_read = heads_read + #texts[i]
        largest_read = math.max(largest_read, #texts[i])
        local expires, unique = string.match(texts[i], '^(%-?%d+) %-?%d+ %S+ ([^\n]*)\n')
        expires, unique = expires or '0', unique or ''
        if taken then
          add(waiting, queue, -1)
          end_job(id, 'cancelled', ' ' .. (failures + crashes) .. '\n\n\n', unique)
        else
          end_waiting(id, queue, rows[i], unique, 'cancelled')
        end
        if expires ~= '0' then
          redis.call('ZREM', EXPIRY, id .. ':' .. queue .. ':' .. unique)
        end
      end
    end
    dealt = dealt + #ids
  end
  return dealt
end

-- Goes on with a line that was left behind; answers how many tickets it touched, and whether that was the last.
local function sweep_line(number, queue, room)
  local line = CONDEMNED .. ':' .. number
  local tickets = redis.call('LPOP', line, room)
  if not tickets then
    return 0, true
  end
  local dealt = cancel_all(tickets, queue, true)
  for back = #tickets, dealt + 1, -1 do
    redis.call('LPUSH', line, tickets[back])
  end
  return dealt, dealt == #tickets and #tickets < room
end

-- Goes on with a queue's part of `later`, a page of all of it.
local function sweep_later(queue)
  local page = redis.call('ZSCAN', LATER, redis.call('HGET', PURGES, queue), 'COUNT', PAGE)
  local tickets, seen = {}, {}
  for at = 1, #page[2], 2 do
    local member = page[2][at]
    local of, n = queue_of(member)
    if not seen[member] and of == queue and is_condemned(member, queue) then
      seen[member] = true
      tickets[#tickets + 1] = ticket_of(string.sub(member, 1, 36), tonumber(n))
    end
  end
  local over = false
  if cancel_all(tickets, queue, false) == #tickets then
    over = page[1] == '0'
    if over then
      redis.call('HDEL', PURGES, queue)
      redis.call('UNLINK', SPARED .. queue)
    else
      redis.call('HSET', PURGES, queue, page[1])
    end
  end
  return #page[2] / 2, over
end

-- Goes on with the purges, touching about `room` tickets; answers how many it touched.
local function sweep(room)
  local touched = 0
  while touched < room and heads_read < HEADS do
    local item = redis.call('LINDEX', CONDEMNED, 0)
    if not item then
      break
    end
    local number, queue = string.match(item, '^line (%d+) (.+)$')
    local count, over
    if number then
      count, over = sweep_line(number, queue, math.min(room - touched, PAGE))
    elseif touched == 0 or room - touched >= PAGE then
      count, over = sweep_later(string.sub(item, 7))
    else
      break
    end
    touched = touched + count
    if over then
      redis.call('LPOP', CONDEMNED)
    end
  end
  return touched
end

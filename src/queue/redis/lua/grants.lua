-- grants.lua: what is lent. Tickets that are lent or renewed together share a grant, which ends for all of them at once.
-- Used after base.lua and ends.lua.
-- `lent`: ticket -> `<its grant>:<its queue>`   `grants`: grant -> `<tickets left> <lent at> <node>` (0 and empty where `runs` tells)
-- `granted`: grant -> a line per queue, `<queue> <ticket> <ticket>...`, of all it began with   `grant_ends`: grant by end

-- A name for a new grant.
local function new_grant()
  return text(redis.call('HINCRBY', CLOCK, 'grants', 1))
end

-- Writes a new grant of `count` tickets; `pairs_` is ticket, `<name>:<queue>`, ... for `lent`.
local function write_grant(name, count, leased_at, node, lines, ends, pairs_)
  bulk('HSET', LENT, pairs_)
  redis.call('HSET', GRANTS, name, count .. ' ' .. leased_at .. ' ' .. node)
  redis.call('HSET', GRANTED, name, lines)
  redis.call('ZADD', GRANT_ENDS, ends, name)
end

-- How many tickets are left of a grant, when they were lent and to whom.
local function read_grant(name)
  local left, leased_at, node = string.match(redis.call('HGET', GRANTS, name) or '', '^(%d+) (%-?%d+) (.*)$')
  return tonumber(left or 0), leased_at or '0', node or ''
end

local function forget_grant(name)
  redis.call('HDEL', GRANTS, name)
  redis.call('HDEL', GRANTED, name)
  redis.call('ZREM', GRANT_ENDS, name)
end

-- The grant that a value of `lent` names.
local function grant_of(place)
  return string.match(place, '^%d+')
end

-- Tickets that leave their grants in this call, counted by what `lent` says of them, and those that are lent no more;
-- written by `write_leavers`.
local leavers, returned = {}, {}

local function leave(ticket, place)
  leavers[place] = (leavers[place] or 0) + 1
  returned[#returned + 1] = ticket
end

local function write_leavers()
  bulk('HDEL', LENT, returned)
  if redis.call('EXISTS', PROGRESS) == 1 then
    local ids = {}
    for i, ticket in ipairs(returned) do
      ids[i] = string.sub(ticket, 1, 36)
    end
    bulk('HDEL', PROGRESS, ids)
  end
  local by_grant = {}
  for place, count in pairs(leavers) do
    add(by_grant, grant_of(place), count)
  end
  for name, count in pairs(by_grant) do
    local left, leased_at, node = read_grant(name)
    if left > count then
      redis.call('HSET', GRANTS, name, (left - count) .. ' ' .. leased_at .. ' ' .. node)
    else
      forget_grant(name)
    end
  end
  leavers, returned = {}, {}
end

-- The tickets that a text of `granted` names, and the queue of each.
local function read_lines(lines)
  local tickets, queues = {}, {}
  for queue, some in string.gmatch(lines, '(%S+) ([^\n]*)\n') do
    for ticket in string.gmatch(some, '%S+') do
      tickets[#tickets + 1] = ticket
      queues[#queues + 1] = queue
    end
  end
  return tickets, queues
end

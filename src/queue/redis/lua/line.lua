-- line.lua: the tickets of a line in the order in which they are lent, without those that are spent (Q11).
-- KEYS  1 meta
-- ARGV  1 now   2 the line: what its key ends with   3 where the last ticket stood that was seen
--       4 that ticket, or empty: from the head   5 want
-- Returns {now, where the last ticket stands that was looked at, that ticket, or empty: the line ends here,
--       then per ticket: where it stands, the ticket}
local LOOK, SEARCH = 1000, 1000000
local line, want = P .. ARGV[2], math.min(tonumber(ARGV[5]), LOOK)

-- Where `ticket` stands by now, which stood at `at`: nearer to the head, unless others were given back before it. If it
-- is gone, it was lent, and with it all that stood before it.
local function place_of(ticket, at)
  if redis.call('LINDEX', line, at) == ticket then
    return at
  end
  local from = math.max(at - LOOK, 0)
  for i, other in ipairs(redis.call('LRANGE', line, from, at + LOOK)) do
    if other == ticket then
      return from + i - 1
    end
  end
  if not current({ticket})[1] or redis.call('HEXISTS', LENT, ticket) == 1 then
    return -1
  end
  return redis.call('LPOS', line, ticket, 'MAXLEN', SEARCH) or at
end

local at = ARGV[4] == '' and -1 or place_of(ARGV[4], tonumber(ARGV[3]))
local reply, found, looked, last = {now, 0, ''}, 0, 0, ''
while found < want and looked < LOOK do
  -- As many as are missing, and few at least: most tickets are current.
  local most = math.min(LOOK - looked, math.max(want - found, 16))
  local tickets = redis.call('LRANGE', line, at + 1, at + most)
  local good = current(tickets)
  for i, ticket in ipairs(tickets) do
    at, last, looked = at + 1, ticket, looked + 1
    if good[i] then
      found = found + 1
      reply[2 + 2 * found], reply[3 + 2 * found] = at, ticket
      if found == want then
        break
      end
    end
  end
  if #tickets < most then
    break
  end
end
-- The end is said only where it is: a caller that is told of more comes back.
if redis.call('LINDEX', line, at + 1) then
  reply[2], reply[3] = at, last
end
return reply

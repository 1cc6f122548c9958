-- heads.lua: who is next in the lines of queues (Q11).
-- KEYS  1 meta
-- ARGV  1 now, then queues
-- Returns {now, then per queue: the id of its next suspect or false, the id of its next other job or false}
local LOOK = 100
local reply = {now}

local function head_of(line)
  local tickets = redis.call('LRANGE', line, 0, 0)
  if #tickets > 0 and not current(tickets)[1] then
    tickets = redis.call('LRANGE', line, 0, LOOK - 1)
  end
  for i, good in ipairs(current(tickets)) do
    if good then
      return string.sub(tickets[i], 1, 36)
    end
  end
  return false
end

for i = 2, #ARGV do
  reply[2 * i - 2] = head_of(P .. 'suspect:' .. ARGV[i])
  reply[2 * i - 1] = head_of(P .. 'ready:' .. ARGV[i])
end
return reply

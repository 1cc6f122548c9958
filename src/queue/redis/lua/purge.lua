-- purge.lua: condemns all that waits in a queue at this moment; reserve cancels it, some in each call (condemn.lua).
-- KEYS  1 meta
-- ARGV  1 now   2 queue
-- Returns {now, how many wait}
local queue = ARGV[2]
local counts = redis.call('HMGET', DEPTH, 'w:' .. queue, 's:' .. queue)
local waits, comes = tonumber(counts[1] or 0), tonumber(counts[2] or 0)
if waits > 0 then
  for _, kind in ipairs({'ready:', 'suspect:'}) do
    -- A line changes its name in no time, however long it is; what comes from now on begins another.
    if redis.call('EXISTS', P .. kind .. queue) == 1 then
      local number = text(redis.call('INCR', P .. 'purge_number'))
      redis.call('RENAME', P .. kind .. queue, CONDEMNED .. ':' .. number)
      redis.call('RPUSH', CONDEMNED, 'line ' .. number .. ' ' .. queue)
    end
  end
end
if comes > 0 then
  if redis.call('HEXISTS', PURGES, queue) == 0 then
    redis.call('RPUSH', CONDEMNED, 'later ' .. queue)
  end
  redis.call('HSET', PURGES, queue, '0')
  redis.call('UNLINK', SPARED .. queue)
end
if waits + comes > 0 then
  rung[queue] = true
end
finish()
return {now, waits + comes}

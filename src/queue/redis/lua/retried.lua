-- retried.lua: which jobs run these ended ones again.
-- KEYS  1 meta
-- ARGV  1 now, then ids of ended jobs
-- Returns {now, then per id: that of its retry, or empty}
local reply = {now}
for i = 2, #ARGV do
  reply[i] = redis.call('GET', RETRIED .. ARGV[i]) or ''
end
return reply

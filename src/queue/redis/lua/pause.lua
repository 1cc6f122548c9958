-- pause.lua: pauses a queue or resumes it; who may take from it again is woken (Q12).
-- KEYS  1 meta
-- ARGV  1 now   2 queue   3 1 to pause, 0 to resume
-- Returns {now}
if ARGV[3] == '1' then
  redis.call('HSET', PAUSED, ARGV[2], NOW)
elseif redis.call('HDEL', PAUSED, ARGV[2]) == 1 then
  rung[ARGV[2]] = true
end
finish()
return {now}

-- forget_retry.lua: forgets that a job was run again by another, which was deleted.
-- KEYS  1 meta
-- ARGV  1 now   2 id of the ended job   3 id of its retry
-- Returns {now}
if redis.call('GET', RETRIED .. ARGV[2]) == ARGV[3] then
  redis.call('DEL', RETRIED .. ARGV[2])
  redis.call('HDEL', RETRY_OF, ARGV[3])
end
return {now}

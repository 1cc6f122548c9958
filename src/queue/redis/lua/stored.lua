-- stored.lua: forgets ended jobs that storage holds (Q9).
-- KEYS  1 meta
-- ARGV  1 now, then ids
-- Returns {now}
local ids = {}
local asked = {unpack(ARGV, 2)}
for i, score in ipairs(fetch('ZMSCORE', OUTBOX, asked)) do
  if score then -- whatever is not in the outbox lives, or was forgotten before
    ids[#ids + 1] = asked[i]
  end
end
bulk('HDEL', JOBS, ids)
bulk('HDEL', RESULTS, ids)
bulk('HDEL', RUNS, ids)
if redis.call('EXISTS', HISTORY) == 1 then
  bulk('HDEL', HISTORY, ids)
end
if redis.call('EXISTS', VOIDED) == 1 then
  bulk('SREM', VOIDED, ids) -- their bodies are gone, which voids their tickets as well
end
bulk('ZREM', OUTBOX, ids)
if redis.call('EXISTS', RETRY_OF) == 1 then
  -- Storage knows the retries among them now. Who asked it before that asks us next, and must still be told (accept.lua).
  for _, old in ipairs(fetch('HMGET', RETRY_OF, ids)) do
    if old then
      redis.call('EXPIRE', RETRIED .. old, 3600)
    end
  end
  bulk('HDEL', RETRY_OF, ids)
end
return {now}

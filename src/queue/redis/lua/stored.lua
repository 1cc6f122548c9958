-- stored.lua: forgets ended jobs that storage holds (Q9).
-- KEYS  1 meta
-- ARGV  1 now, then ids
-- Returns {now}
local ids = {unpack(ARGV, 2)}
if #ids > 0 and redis.call('HGET', CLAIMS, ids[1]) == table.concat(ids, ' ') then
  -- A whole claim, as nearly always. Whoever collected it knows that all of it had ended.
  redis.call('HDEL', CLAIMS, ids[1])
  redis.call('ZREM', CLAIM_ENDS, ids[1])
else
  -- Whatever has no result lives, or was forgotten before. What else was claimed with these comes back when the claim
  -- ends.
  local ended_ids = {}
  for _, id in ipairs(ids) do
    if redis.call('HEXISTS', RESULTS, id) == 1 then
      ended_ids[#ended_ids + 1] = id
    end
  end
  ids = ended_ids
end
bulk('HDEL', JOBS, ids)
bulk('HDEL', RESULTS, ids)
if redis.call('EXISTS', RUNS) == 1 then
  bulk('HDEL', RUNS, ids)
end
if redis.call('EXISTS', HISTORY) == 1 then
  bulk('HDEL', HISTORY, ids)
end
if redis.call('EXISTS', VOIDED) == 1 then
  bulk('SREM', VOIDED, ids) -- their bodies are gone, which voids their tickets as well
end
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

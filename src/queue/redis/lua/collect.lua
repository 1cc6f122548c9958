-- collect.lua: claims ended jobs for a recorder, oldest first (Q9, Q11).
-- KEYS  1 meta
-- ARGV  1 now   2 want   3 for how long they are claimed (us)
-- Returns {now, then per job: id, body or false, result, attempts or false}
local BYTES = 4 * 1024 * 1024
local claim = tonumber(ARGV[3])
-- No claim lasts longer: what lies beyond is of a clock that was set back.
local beyond = redis.call('ZRANGEBYSCORE', OUTBOX, '(' .. text(now + claim), '(+inf', 'LIMIT', 0, 500)
if #beyond > 0 then
  local sooner = {}
  for _, id in ipairs(beyond) do
    sooner[#sooner + 1] = NOW
    sooner[#sooner + 1] = id
  end
  bulk('ZADD', OUTBOX, sooner)
end
local ids = redis.call('ZRANGEBYSCORE', OUTBOX, '-inf', NOW, 'LIMIT', 0, tonumber(ARGV[2]))
local tried = redis.call('EXISTS', HISTORY) == 1
local until_, claimed = text(now + claim), {}
local reply = {now}
local bytes, largest, at, count = 0, 0, 1, 0
while at <= #ids do
  local few = largest == 0 and 16 or math.max(1, math.min(128, math.floor((BYTES - bytes) / largest)))
  local some = {unpack(ids, at, math.min(at + few - 1, #ids))}
  local bodies, ends = redis.call('HMGET', JOBS, unpack(some)), redis.call('HMGET', RESULTS, unpack(some))
  local attempts = tried and redis.call('HMGET', HISTORY, unpack(some))
  for i, id in ipairs(some) do
    local history = attempts and attempts[i]
    local size = #(bodies[i] or '') + #(ends[i] or '') + #(history or '')
    if bytes + size > BYTES and count > 0 then
      at = #ids
      break
    end
    bytes = bytes + size
    largest = math.max(largest, size)
    claimed[2 * count + 1], claimed[2 * count + 2] = until_, id
    reply[4 * count + 2], reply[4 * count + 3] = id, bodies[i]
    reply[4 * count + 4], reply[4 * count + 5] = ends[i], history or false
    count = count + 1
  end
  at = at + few
end
bulk('ZADD', OUTBOX, claimed)
return reply

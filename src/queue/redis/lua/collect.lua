-- collect.lua: claims ended jobs for a recorder, oldest first (Q9, Q11).
-- KEYS  1 meta
-- ARGV  1 now   2 want   3 for how long they are claimed (us)
-- Returns {now, then per job: id, body or false, result, attempts or false}
-- `outbox`: ids of ended jobs that nobody has claimed   `claims`: the first id of a claim -> all of its ids
-- `claim_ends`: the first id by the time until which it holds
local BYTES = 4 * 1024 * 1024
local LOOKED = 2000 -- tickets of the outbox that one call looks at
local want, claim = tonumber(ARGV[2]), tonumber(ARGV[3])

-- No claim lasts longer: what lies beyond is of a clock that was set back.
local beyond = redis.call('ZRANGEBYSCORE', CLAIM_ENDS, '(' .. text(now + claim), '+inf', 'LIMIT', 0, 500)
local sooner = {}
for _, first in ipairs(beyond) do
  sooner[#sooner + 1] = NOW
  sooner[#sooner + 1] = first
end
bulk('ZADD', CLAIM_ENDS, sooner)

-- Of claims whose time is over, as much as is wanted: what was not stored of them is the oldest that is to be had.
local back, looked = {}, 0
while #back < want and looked < LOOKED do
  local first, ended_at = unpack(redis.call('ZRANGEBYSCORE', CLAIM_ENDS, '-inf', NOW, 'WITHSCORES', 'LIMIT', 0, 1))
  if not first then
    break
  end
  local rest = {}
  for id in string.gmatch(redis.call('HGET', CLAIMS, first) or '', '%S+') do
    if #back == want then
      rest[#rest + 1] = id
    elseif redis.call('HEXISTS', RESULTS, id) == 1 then
      back[#back + 1] = id
    end
    looked = looked + 1
  end
  redis.call('HDEL', CLAIMS, first)
  redis.call('ZREM', CLAIM_ENDS, first)
  if #rest > 0 then
    redis.call('HSET', CLAIMS, rest[1], table.concat(rest, ' '))
    redis.call('ZADD', CLAIM_ENDS, ended_at, rest[1])
  end
end
for i = #back, 1, -1 do
  redis.call('LPUSH', OUTBOX, back[i])
end

local tried = redis.call('EXISTS', HISTORY) == 1
local claimed, count, seen = {}, 0, 0
local reply = {now}
local bytes, largest, full = 0, 0, false
while count < want and seen < LOOKED and not full do
  local few = largest == 0 and 16 or math.max(1, math.min(128, math.floor((BYTES - bytes) / largest)))
  local some = redis.call('LPOP', OUTBOX, math.min(few, want - count))
  if not some then
    break
  end
  local bodies, ends = redis.call('HMGET', JOBS, unpack(some)), redis.call('HMGET', RESULTS, unpack(some))
  local attempts = tried and redis.call('HMGET', HISTORY, unpack(some))
  for i, id in ipairs(some) do
    -- What has no result was stored, or thrown away, while it stood here.
    if ends[i] then
      local history = attempts and attempts[i]
      local size = #(bodies[i] or '') + #ends[i] + #(history or '')
      if bytes + size > BYTES and count > 0 then
        full = true
        for back = #some, i, -1 do
          redis.call('LPUSH', OUTBOX, some[back])
        end
        break
      end
      bytes = bytes + size
      if size > largest then
        largest = size
      end
      reply[4 * count + 2], reply[4 * count + 3] = id, bodies[i]
      reply[4 * count + 4], reply[4 * count + 5] = ends[i], history or false
      count = count + 1
      claimed[count] = id
    end
  end
  seen = seen + #some
end
if count > 0 then
  redis.call('HSET', CLAIMS, claimed[1], table.concat(claimed, ' '))
  redis.call('ZADD', CLAIM_ENDS, text(now + claim), claimed[1])
end
return reply

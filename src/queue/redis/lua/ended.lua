-- ended.lua: jobs that have ended and are not stored yet, a page of them a call, in no order, some twice (Q11).
-- KEYS  1 meta
-- ARGV  1 now   2 cursor, 0 at first
-- Returns {now, next cursor ("0": that was the last page), then ids}
-- Ids go from the tail of the outbox to claims, and back to its head when a claim ends: so claims are gone through before
-- the outbox and after it, and the outbox from its tail, where new ones come in.
local LOOK = 1000
local phase, at = string.match(ARGV[2], '^(%a?)(%d+)$')
local reply = {now, '0'}
if phase == 'o' then
  local from = tonumber(at)
  local ids = redis.call('LRANGE', OUTBOX, -from - LOOK, -from - 1)
  for i, id in ipairs(ids) do
    reply[2 + i] = id
  end
  reply[2] = #ids == LOOK and 'o' .. (from + LOOK) or 'z0'
else
  local page = redis.call('HSCAN', CLAIMS, at, 'COUNT', 2)
  for i = 2, #page[2], 2 do
    for id in string.gmatch(page[2][i], '%S+') do
      reply[#reply + 1] = id
    end
  end
  if page[1] ~= '0' then
    reply[2] = (phase == 'z' and 'z' or 'a') .. page[1]
  elseif phase ~= 'z' then
    reply[2] = 'o0'
  end
end
return reply

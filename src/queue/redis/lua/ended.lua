-- ended.lua: jobs that have ended and are not stored yet, a page of them a call, in no order (Q11).
-- KEYS  1 meta
-- ARGV  1 now   2 cursor, 0 at first
-- Returns {now, next cursor ("0": that was the last page), then ids}
local page = redis.call('ZSCAN', OUTBOX, ARGV[2], 'COUNT', 1000)
local reply = {now, page[1]}
for i = 1, #page[2], 2 do
  if page[2][i] ~= ANCHOR then
    reply[#reply + 1] = page[2][i]
  end
end
return reply

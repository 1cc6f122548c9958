-- running.lua: jobs that are lent, a page of them a call, in no order (Q11).
-- KEYS  1 meta
-- ARGV  1 now   2 cursor, 0 at first   3 queue, or empty: of all
-- Returns {now, next cursor ("0": that was the last page), then per job: when it was lent, its ticket}
local page = redis.call('ZSCAN', LEASES, ARGV[2], 'COUNT', 500)
local tickets, ids = {}, {}
for i = 1, #page[2], 2 do
  local member = page[2][i]
  if member ~= ANCHOR then
    local queue = queue_of(member)
    if ARGV[3] == '' or queue == ARGV[3] then
      tickets[#tickets + 1] = string.sub(member, 1, -2 - #queue)
      ids[#ids + 1] = string.sub(member, 1, 36)
    end
  end
end
local reply = {now, page[1]}
for i, row in ipairs(fetch('HMGET', RUNS, ids)) do
  local _, _, _, _, leased_at = parse_run(row)
  reply[#reply + 1] = tonumber(leased_at)
  reply[#reply + 1] = tickets[i]
end
return reply

-- take_over.lua: takes the leases of a dead node back, a page of all leases a call (Q8, Q11).
-- KEYS  1 meta
-- ARGV  1 now   2 node   3 what was lent after this instant stays   4 max crashes   5 cursor, 0 at first
-- Returns {now, next cursor ("0": that was the last page), how many were taken back}
local page = redis.call('ZSCAN', LEASES, ARGV[5], 'COUNT', 400)
local members, ids = {}, {}
for i = 1, #page[2], 2 do
  if page[2][i] ~= ANCHOR then
    members[#members + 1] = page[2][i]
    ids[#ids + 1] = string.sub(page[2][i], 1, 36)
  end
end
local theirs = {}
for i, row in ipairs(fetch('HMGET', RUNS, ids)) do
  local _, _, _, _, leased_at, _, node = parse_run(row)
  if node == ARGV[2] and tonumber(leased_at) <= tonumber(ARGV[3]) then
    theirs[#theirs + 1] = members[i]
  end
end
lapse(theirs, tonumber(ARGV[4]))
write_ends()
if page[1] == '0' then
  redis.call('HDEL', P .. 'nodes', ARGV[2])
end
finish()
return {now, page[1], #theirs}

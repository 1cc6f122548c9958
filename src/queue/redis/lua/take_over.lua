-- take_over.lua: takes the leases of a dead node back, a page of all grants a call (Q8, Q11).
-- KEYS  1 meta
-- ARGV  1 now   2 node   3 what was lent after this instant stays   4 max crashes   5 cursor, 0 at first
-- Returns {now, next cursor, 1 when that was all, how many were taken back}
local ROOM = 1000
local page = redis.call('HSCAN', GRANTS, ARGV[5], 'COUNT', 20)
local taken = 0
for i = 1, #page[2], 2 do
  local node = string.match(page[2][i + 1], '^%d+ %-?%d+ (.*)$')
  -- Of what was renewed, the rows tell the node.
  if taken < ROOM and (node == ARGV[2] or node == '') then
    taken = taken + lapse(page[2][i], ROOM - taken, tonumber(ARGV[4]), ARGV[2], tonumber(ARGV[3]))
  end
end
write_lapsed()
write_ends()
-- A page that was too much for one call is looked through once more: what was taken from it is gone.
local again = taken >= ROOM
local done = not again and page[1] == '0'
if done then
  redis.call('HDEL', P .. 'nodes', ARGV[2])
end
finish()
return {now, again and ARGV[5] or page[1], done and 1 or 0, taken}

-- nodes.lua: the nodes that were heard of lately; the others are forgotten.
-- KEYS  1 meta
-- ARGV  1 now   2 how long ago at most (us)
-- Returns {now, then per node: `<seen at>\n<what it said of itself>`}
local reply, gone = {now}, {}
local all = redis.call('HGETALL', P .. 'nodes')
for i = 1, #all, 2 do
  local seen = tonumber(string.match(all[i + 1], '^(%-?%d+)') or nil)
  if seen and now - seen <= tonumber(ARGV[2]) then
    reply[#reply + 1] = all[i + 1]
  else
    gone[#gone + 1] = all[i]
  end
end
bulk('HDEL', P .. 'nodes', gone)
return reply

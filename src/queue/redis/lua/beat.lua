-- beat.lua: notes that a node lives.
-- KEYS  1 meta
-- ARGV  1 now   2 node   3 what it says of itself
-- Returns {now}
redis.call('HSET', P .. 'nodes', ARGV[2], NOW .. '\n' .. ARGV[3])
return {now}

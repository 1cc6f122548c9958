-- meta.lua: the number of the layout's format; written by whoever comes first.
-- KEYS  1 meta
-- ARGV  1 now   2 the format that we know
-- Returns {now, the format that is there}
redis.call('HSETNX', KEYS[1], 'format', ARGV[2])
return {now, redis.call('HGET', KEYS[1], 'format')}

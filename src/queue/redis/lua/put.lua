-- put.lua: adds a cron entry or changes its definition.
-- KEYS  1 meta
-- ARGV  1 now   2 name   3 definition
-- Returns {now, 1 when it is new}
-- `schedules`: name -> `<created at> <last tick or 0> <last job or ->\n<definition>`
local old = redis.call('HGET', P .. 'schedules', ARGV[2])
local head = old and string.match(old, '^[^\n]*') or NOW .. ' 0 -'
redis.call('HSET', P .. 'schedules', ARGV[2], head .. '\n' .. ARGV[3])
return {now, old and 0 or 1}

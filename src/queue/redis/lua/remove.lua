-- remove.lua: removes a cron entry.
-- KEYS  1 meta
-- ARGV  1 now   2 name
-- Returns {now, 1 when it was there}
return {now, redis.call('HDEL', P .. 'schedules', ARGV[2])}

-- entries.lua: all cron entries.
-- KEYS  1 meta
-- ARGV  1 now
-- Returns {now, {name, row of `schedules` (put.lua), ...}}
return {now, redis.call('HGETALL', P .. 'schedules')}

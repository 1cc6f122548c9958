-- version.lua: the number of the last put or remove of an entry of the calendar.
-- KEYS  1 meta
-- ARGV  1 now
-- Returns {now, the number}
return {now, tonumber(redis.call('HGET', CLOCK, 'calendar') or 0)}

-- remove.lua: removes an entry of the calendar, if it is the one that the caller knows. Used after schedule.lua.
-- KEYS  1 meta
-- ARGV  1 now   2 name   3 its revision
-- Returns {now, 1 when it was}
local old = redis.call('HGET', SCHEDULES, ARGV[2])
if not old or read_entry(old).revision ~= ARGV[3] then
  return {now, 0}
end
redis.call('HDEL', SCHEDULES, ARGV[2])
next_version()
return {now, 1}

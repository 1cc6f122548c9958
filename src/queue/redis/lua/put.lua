-- put.lua: adds an entry of the calendar or changes one, if it is the one that the caller knows. Used after schedule.lua.
-- KEYS  1 meta
-- ARGV  1 now   2 name   3 its revision, or empty: there must be none   4 definition   5 enabled (0, 1)
--       6 afresh (1: ticks count from now on)   7 most entries
-- Returns {now, d done · c conflict · f too many entries}
local old = redis.call('HGET', SCHEDULES, ARGV[2])
local entry = old and read_entry(old) or new_entry()
if entry.revision ~= ARGV[3] then
  return {now, 'c'}
end
if not old and redis.call('HLEN', SCHEDULES) >= tonumber(ARGV[7]) then
  return {now, 'f'}
end
entry.revision = next_version()
entry.enabled = ARGV[5]
entry.definition = ARGV[4]
if ARGV[6] == '1' then
  entry.done = NOW
end
write_entry(ARGV[2], entry)
return {now, 'd'}

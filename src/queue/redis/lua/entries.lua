-- entries.lua: entries of the calendar, by name.
-- KEYS  1 meta
-- ARGV  1 now   2 a name, or empty   3 one (only that name) · all (those after it)
-- Returns {now, 1 when there may be more, {name, row of `schedules` (schedule.lua), ...}}, as much as fits into an answer
local BYTES = 4 * 1024 * 1024
if ARGV[3] == 'one' then
  local row = redis.call('HGET', P .. 'schedules', ARGV[2])
  return {now, 0, row and {ARGV[2], row} or {}}
end
local names = redis.call('HKEYS', P .. 'schedules')
table.sort(names)
local found, bytes = {}, 0
for _, name in ipairs(names) do
  if name > ARGV[2] then
    if bytes > BYTES then
      return {now, 1, found}
    end
    local row = redis.call('HGET', P .. 'schedules', name)
    found[#found + 1] = name
    found[#found + 1] = row
    bytes = bytes + #name + #row
  end
end
return {now, 0, found}

-- fire.lua: claims a tick of an entry and accepts its job in the same step (Q13), or accepts a job out of turn. Used
-- after accept.lua and schedule.lua.
-- KEYS  1 meta
-- ARGV  1 now   2 name   3 revision   4 tick (us), or empty: out of turn
--       5 j a job · a a job that must not run beside the last one · p no job   6 why the tick passes, when it does
--       then the job's words (accept.lua)
-- Returns {now, c changed or gone · n not yet · t<done> taken before · l<id> that last job is live · p passed
--          · r this very job was accepted out of turn before · else the letter of the accepted job}

-- How far an entry may be dealt with ahead of the clock, before the clock must have been set back.
local AHEAD = 3600 * 1000000

local row = redis.call('HGET', SCHEDULES, ARGV[2])
local entry = row and read_entry(row)
if not entry or entry.revision ~= ARGV[3] then
  return {now, 'c'}
end
-- The words of a single job begin with a head of three.
local last, tick, id = entry.last_job, tonumber(ARGV[4]), ARGV[10]

if not tick then
  if last == id then -- a repeat whose first answer was lost
    return {now, 'r'}
  end
elseif tick > now then
  return {now, 'n'}
else
  local done = tonumber(entry.done)
  if tick <= done and done <= now + AHEAD then
    return {now, 't' .. entry.done}
  end
  entry.done = ARGV[4]
end

if ARGV[5] == 'a' and redis.call('HEXISTS', JOBS, last) == 1 and redis.call('HEXISTS', RESULTS, last) == 0 then
  if tick then
    entry.passed, entry.why = ARGV[4], 'the last job, ' .. last .. ', was still live'
    write_entry(ARGV[2], entry)
  end
  return {now, 'l' .. last}
end
if ARGV[5] == 'p' then
  entry.passed, entry.why = ARGV[4], ARGV[6]
  write_entry(ARGV[2], entry)
  return {now, 'p'}
end

local letter = accept(7, 1)
write_accepted()
entry.last_job = string.sub(letter, 1, 1) == 'e' and string.sub(letter, 2) or id
entry.last_at = tick and ARGV[4] or NOW
write_entry(ARGV[2], entry)
finish()
return {now, letter}

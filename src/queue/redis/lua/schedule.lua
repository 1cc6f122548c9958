-- schedule.lua: how an entry of the calendar stands in Redis. Used after base.lua. ARGV as of the script.
--
-- `schedules`: name -> `<revision> <enabled> <created at> <done> <last at or 0> <last job or -> <passed tick or 0>`,
-- why that tick passed, the definition: a line each, the definition all that follows. Instants are KEYS' microseconds.
local SCHEDULES = P .. 'schedules'

local function new_entry()
  return {
    revision = '', enabled = '1', created = NOW, done = NOW,
    last_at = '0', last_job = '-', passed = '0', why = '', definition = '',
  }
end

local function read_entry(row)
  local revision, enabled, created, done, last_at, last_job, passed, why, definition =
    string.match(row, '^(%d+) (%d) (%-?%d+) (%-?%d+) (%-?%d+) (%S+) (%-?%d+)\n([^\n]*)\n(.*)$')
  return {
    revision = revision, enabled = enabled, created = created, done = done,
    last_at = last_at, last_job = last_job, passed = passed, why = why, definition = definition,
  }
end

local function write_entry(name, entry)
  redis.call('HSET', SCHEDULES, name, table.concat({
    entry.revision .. ' ' .. entry.enabled .. ' ' .. entry.created .. ' ' .. entry.done .. ' '
      .. entry.last_at .. ' ' .. entry.last_job .. ' ' .. entry.passed,
    entry.why,
    entry.definition,
  }, '\n'))
end

-- The number of a put or remove, by which schedulers know that entries have changed.
local function next_version()
  return text(redis.call('HINCRBY', CLOCK, 'calendar', 1))
end

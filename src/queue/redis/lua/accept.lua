-- accept.lua: how jobs are accepted, one by one or by a tick of the calendar. Used after base.lua.

local bodies, lines, later, later_queues, expiry, expiry_queues = {}, {}, {}, {}, {}, {}
local accepted = 0

-- The live job that holds a unique key, if one does.
local function holder_of(unique)
  local held = redis.call('HGET', UNIQUE, unique)
  if held then
    local id, until_ = string.match(held, '^(%S+) (%-?%d+)$')
    if until_ == '0' or tonumber(until_) > now then
      return id
    end
  end
end

-- A retry that was named longer ago than this (us) is outdated: who asks for it may have missed a retry that storage
-- has by now and we have forgotten. `RETRY_WITHIN`, half of the time for which one is remembered (stored.lua).
local WITHIN = 1800 * 1000000

-- Reads the options of a job: empty, or `<run_at> <expires_at> <unique_until> <retry_of> <unique key>`, each 0, - or
-- empty where it is not given.
local function read_options(options)
  return string.match(options, '^(%-?%d+) (%-?%d+) (%-?%d+) (%S+) (.*)$')
end

-- Whether one of the `count` jobs whose words begin at ARGV[from] is an outdated retry.
local function is_outdated(from, count)
  for base = from, from + 4 * (count - 1), 4 do
    if ARGV[base + 2] ~= '' then
      local _, _, _, retry_of = read_options(ARGV[base + 2])
      -- An id begins with the millisecond of its naming.
      local named = tonumber(string.sub(ARGV[base], 1, 8) .. string.sub(ARGV[base], 10, 13), 16) * 1000
      if retry_of ~= '-' and now - named > WITHIN then
        return true
      end
    end
  end
  return false
end

-- Accepts `count` jobs whose four words (id, queue, options, body) begin at ARGV[from].
-- Answers a letter a job: q queued, s scheduled, e<id> when that job runs the same ended one again, or holds its unique
-- key and lives; and the exceptions as `<index>=<id>` joined by commas.
local function accept(from, count)
  local answers, exceptions = {}, {}
  for index = 0, count - 1 do
    local base = from + 4 * index
    local id, queue, options = ARGV[base], ARGV[base + 1], ARGV[base + 2]
    local run_at, holder = 0, nil
    if options ~= '' then
      local at, expires, until_, retry_of, unique = read_options(options)
      run_at = tonumber(at)
      holder = retry_of ~= '-' and redis.call('GET', RETRIED .. retry_of)
      holder = holder or unique ~= '' and holder_of(unique)
      if not holder then
        if retry_of ~= '-' then
          redis.call('SET', RETRIED .. retry_of, id)
          redis.call('HSET', RETRY_OF, id, retry_of)
        end
        if unique ~= '' then
          redis.call('HSET', UNIQUE, unique, id .. ' ' .. until_)
        end
        if expires ~= '0' then
          expiry[#expiry + 1] = expires
          expiry[#expiry + 1] = id .. ':' .. queue .. ':' .. unique
          expiry_queues[#expiry_queues + 1] = queue
        end
      end
    end
    if holder then
      answers[index + 1] = 'e' .. holder
      exceptions[#exceptions + 1] = index .. '=' .. holder
    else
      bodies[accepted + 1], bodies[accepted + 2] = id, ARGV[base + 3]
      accepted = accepted + 2
      if run_at > now then
        answers[index + 1] = 's'
        later[#later + 1] = text(run_at)
        later[#later + 1] = id .. ':1:' .. queue
        later_queues[#later_queues + 1] = queue
        add(scheduled, queue, 1)
      else
        answers[index + 1] = 'q'
        local line = lines[queue]
        if not line then
          line = {}
          lines[queue] = line
        end
        line[#line + 1] = id .. ':1'
      end
    end
  end
  return table.concat(answers), table.concat(exceptions, ',')
end

local function write_accepted()
  bulk('HSET', JOBS, bodies)
  for queue, line in pairs(lines) do
    bulk('RPUSH', P .. 'ready:' .. queue, line)
    add(waiting, queue, #line)
    rung[queue] = true
  end
  add_timed(LATER, later, later_queues)
  add_timed(EXPIRY, expiry, expiry_queues)
end

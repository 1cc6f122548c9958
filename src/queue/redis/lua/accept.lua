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

-- Accepts `count` jobs whose four words (id, queue, options, body) begin at ARGV[from]. Options are empty, or
-- `<run_at> <expires_at> <unique_until> <unique key>`, each 0 or empty where it is not given.
-- Answers a letter a job: q queued, s scheduled, e<id> when that live job holds its unique key; and the exceptions
-- as `<index>=<id>` joined by commas.
local function accept(from, count)
  local answers, exceptions = {}, {}
  for index = 0, count - 1 do
    local base = from + 4 * index
    local id, queue, options = ARGV[base], ARGV[base + 1], ARGV[base + 2]
    local run_at, holder = 0, nil
    if options ~= '' then
      local at, expires, until_, unique = string.match(options, '^(%-?%d+) (%-?%d+) (%-?%d+) (.*)$')
      run_at = tonumber(at)
      holder = unique ~= '' and holder_of(unique)
      if not holder then
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

-- base.lua: what every script begins with: names of keys, the clock, batched commands, counters, bells.
-- KEYS  1 the key `meta`; all other keys have its prefix, so that a script stays in one slot
-- ARGV  1 the present instant in microseconds, or empty: then Redis' own clock
local P = string.sub(KEYS[1], 1, -5)
local JOBS, RUNS, HISTORY, PROGRESS, RESULTS =
  P .. 'jobs', P .. 'runs', P .. 'history', P .. 'progress', P .. 'results'
local LENT, GRANTS, GRANTED, GRANT_ENDS = P .. 'lent', P .. 'grants', P .. 'granted', P .. 'grant_ends'
local OUTBOX, CLAIMS, CLAIM_ENDS = P .. 'outbox', P .. 'claims', P .. 'claim_ends'
local LATER, EXPIRY = P .. 'later', P .. 'expiry'
local UNIQUE, DEPTH, PAUSED, CLOCK = P .. 'unique', P .. 'depth', P .. 'paused', P .. 'clock'
local VOIDED = P .. 'voided'
local RETRIED, RETRY_OF = P .. 'retried:', P .. 'retry_of'
local CONDEMNED, PURGES, SPARED = P .. 'condemned', P .. 'purges', P .. 'spared:'

-- Redis keeps small hashes as flat lists, which every command walks from the front: a hundred leases made reserve and
-- settle twice as slow. A field too long for a list, there from the first, makes `lent` a table at once.
local ANCHOR = string.rep('-', 65)

-- Lua's own text of a number has 14 digits, and an instant has 16: never join one without this.
local function text(number)
  return string.format('%.0f', number)
end

local now
if ARGV[1] == '' then
  local time = redis.call('TIME')
  now = time[1] * 1000000 + time[2]
else
  now = tonumber(ARGV[1])
end
local NOW = text(now)

-- `unpack` fails near 8,000 values; an even number keeps pairs together.
local CHUNK = 4000

-- Calls `command key args...` in as few calls as may be.
local function bulk(command, key, args)
  local count = #args
  if count == 0 then
    return
  end
  if count <= CHUNK then
    redis.call(command, key, unpack(args))
    return
  end
  for from = 1, count, CHUNK do
    redis.call(command, key, unpack(args, from, math.min(from + CHUNK - 1, count)))
  end
end

-- The answers of `command key args...` (HMGET) in order; false for what is not there.
local function fetch(command, key, args)
  local count = #args
  if count == 0 then
    return {}
  end
  if count <= CHUNK then
    return redis.call(command, key, unpack(args))
  end
  local all = {}
  for from = 1, count, CHUNK do
    for _, value in ipairs(redis.call(command, key, unpack(args, from, math.min(from + CHUNK - 1, count)))) do
      all[#all + 1] = value
    end
  end
  return all
end

-- How many ended jobs wait for a recorder.
local function outbox_size()
  return redis.call('HLEN', RESULTS)
end

-- A ticket as text: the id alone for the first, `id:n` from the second on.
local function ticket_of(id, n)
  return n == 1 and id or id .. ':' .. n
end

-- The queue of a member `id:n:queue`, and its number.
local function queue_of(member)
  if string.byte(member, 39) == 58 then -- one digit, as nearly always
    return string.sub(member, 40), string.sub(member, 38, 38)
  end
  local n, queue = string.match(member, '^(%d+):(.+)$', 38)
  return queue, n
end

-- Changes of the counters and the bells to ring, gathered and written once by `finish`.
local waiting, scheduled, running, totals, rung = {}, {}, {}, {}, {}
-- Queues in whose lines this call left tickets of ended jobs.
local littered = {}

local function add(counters, name, by)
  counters[name] = (counters[name] or 0) + by
end

local function write_counts()
  for queue, by in pairs(waiting) do
    if redis.call('HINCRBY', DEPTH, 'w:' .. queue, by) <= 0 and littered[queue] then
      -- Nothing waits, so whatever still stands in the lines is of jobs that have ended.
      redis.call('UNLINK', P .. 'ready:' .. queue, P .. 'suspect:' .. queue)
    end
  end
  for queue, by in pairs(scheduled) do
    redis.call('HINCRBY', DEPTH, 's:' .. queue, by)
  end
  for queue, by in pairs(running) do
    redis.call('HINCRBY', DEPTH, 'r:' .. queue, by)
    if by < 0 and redis.call('HDEL', DEPTH, 'full:' .. queue) == 1 then
      rung[queue] = true -- somebody passed over it while it was full
    end
  end
  for state, by in pairs(totals) do
    redis.call('HINCRBY', DEPTH, 't:' .. state, by)
  end
  waiting, scheduled, running, totals = {}, {}, {}, {}
end

local function finish()
  write_counts()
  for queue in pairs(rung) do
    local bell = P .. 'bell:' .. queue
    if redis.call('EXISTS', bell) == 0 then
      redis.call('RPUSH', bell, 1)
    end
  end
end

-- What this call adds to the timed sets: score, member, ..., and the queue of each; written by `write_timed`.
local timed = {[LATER] = {{}, {}}, [EXPIRY] = {{}, {}}}

local function add_timed(set, at, member, queue)
  local additions, queues = unpack(timed[set])
  additions[#additions + 1] = at
  additions[#additions + 1] = member
  queues[#queues + 1] = queue
end

-- A job waits for its time.
local function add_later(id, n, queue, at)
  add_timed(LATER, at, id .. ':' .. n .. ':' .. queue, queue)
  add(scheduled, queue, 1)
end

-- A job that waits may expire; the member holds what is needed to end it.
local function add_expiry(id, queue, expires, unique)
  if expires ~= '0' then
    add_timed(EXPIRY, expires, id .. ':' .. queue .. ':' .. unique, queue)
  end
end

-- Where an addition makes the next event earlier it rings: sleepers know only of the event that they were told.
local function write_timed()
  for set, of_set in pairs(timed) do
    local additions, queues = unpack(of_set)
    if #additions > 0 then
      local head = redis.call('ZRANGE', set, 0, 0, 'WITHSCORES')[2]
      local earliest = head and tonumber(head) or math.huge
      local purging = set == LATER and redis.call('EXISTS', PURGES) == 1
      for i, queue in ipairs(queues) do
        if tonumber(additions[2 * i - 1]) < earliest then
          rung[queue] = true
        end
        if purging and redis.call('HEXISTS', PURGES, queue) == 1 then
          redis.call('SADD', SPARED .. queue, additions[2 * i])
        end
      end
      bulk('ZADD', set, additions)
      timed[set] = {{}, {}}
    end
  end
end

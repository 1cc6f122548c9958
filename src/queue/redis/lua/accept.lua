-- accept.lua: how jobs are accepted, one by one or by a tick of the calendar. Used after base.lua.

local bodies, lines = {}, {}
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

-- Reads the options of a job: `<run_at> <expires_at> <unique_until> <retry_of> <unique key>`, each 0, - or
-- empty where it is not given.
local function read_options(options)
  return string.match(options, '^(%-?%d+) (%-?%d+) (%-?%d+) (%S+) (.*)$')
end

-- Where the words of `count` jobs end that begin at ARGV[at]; and whether one of them is an outdated retry.
local function look_through(at, count)
  local plain, outdated
  for _ = 1, count do
    if ARGV[at] == '=' then
      plain, at = ARGV[at + 2] == 'plain', at + 3
    end
    if not plain then
      local _, _, _, retry_of = read_options(ARGV[at + 1])
      -- An id begins with the millisecond of its naming.
      local named = tonumber(string.sub(ARGV[at], 1, 8) .. string.sub(ARGV[at], 10, 13), 16) * 1000
      outdated = outdated or (retry_of ~= '-' and now - named > WITHIN)
    end
    at = at + (plain and 2 or 3)
  end
  return at, outdated
end

-- Accepts a job with options. Answers the job that runs the same ended one again, or holds its unique key and lives, if
-- there is one: then this one is not accepted; else whether it waits for its time.
local function accept_with_options(id, queue, options)
  local at, expires, until_, retry_of, unique = read_options(options)
  local holder = retry_of ~= '-' and redis.call('GET', RETRIED .. retry_of)
  holder = holder or unique ~= '' and holder_of(unique)
  if holder then
    return holder
  end
  if retry_of ~= '-' then
    redis.call('SET', RETRIED .. retry_of, id)
    redis.call('HSET', RETRY_OF, id, retry_of)
  end
  if unique ~= '' then
    redis.call('HSET', UNIQUE, unique, id .. ' ' .. until_)
  end
  add_expiry(id, queue, expires, unique)
  if tonumber(at) <= now then
    return nil, false
  end
  add_later(id, 1, queue, at)
  return nil, true
end

-- Accepts `count` jobs whose words begin at ARGV[at]: `=`, queue, `plain` or `options` for all that follow up to the next
-- such head; and per job its id, its options unless it is plain, and its body.
-- Answers a letter a job: q queued, s scheduled, e<id> when that job runs the same ended one again, or holds its unique key
-- and lives; the exceptions as `<index>=<id>` joined by commas; and where the words end.
local function accept(at, count)
  local answers, exceptions = {}, {}
  local queue, plain, line
  for index = 1, count do
    local id = ARGV[at]
    if id == '=' then
      queue, plain, id = ARGV[at + 1], ARGV[at + 2] == 'plain', ARGV[at + 3]
      line = lines[queue] or {}
      lines[queue] = line
      at = at + 3
    end
    local holder, waits
    if plain then
      at = at + 2
    else
      holder, waits = accept_with_options(id, queue, ARGV[at + 1])
      at = at + 3
    end
    if holder then
      answers[index] = 'e' .. holder
      exceptions[#exceptions + 1] = (index - 1) .. '=' .. holder
    else
      bodies[accepted + 1], bodies[accepted + 2] = id, ARGV[at - 1]
      accepted = accepted + 2
      if waits then
        answers[index] = 's'
      else
        answers[index] = 'q'
        line[#line + 1] = id
      end
    end
  end
  return table.concat(answers), table.concat(exceptions, ','), at
end

local function write_accepted()
  bulk('HSET', JOBS, bodies)
  for queue, line in pairs(lines) do
    if #line > 0 then
      bulk('RPUSH', P .. 'ready:' .. queue, line)
      add(waiting, queue, #line)
      rung[queue] = true
    end
  end
  write_timed()
end

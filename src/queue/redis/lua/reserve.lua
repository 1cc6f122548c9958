-- reserve.lua: the heartbeat: takes run-out leases back, moves what is due, ends what expired, lends tickets (Q2, Q5, Q6, Q11).
-- KEYS  1 meta
-- ARGV  1 now   2 caller   3 number   4 node   5 want   6 lease (us)   7 1 if a suspect may be lent   8 max crashes
--       9 the length of leases, for the engine's absences (us)   10 lend nothing while more ended jobs than this wait (-1: never mind)
--       then per queue, in order: queue, share, limit (-1: none)
-- Returns {now, next or 0, more, outbox, lapsed, then per lease: `id:n:queue failures crashes leased_at`, body}
local TICKETS, BYTES = 1000, 4 * 1024 * 1024
local caller, number, node = P .. 'batch:reserve:' .. ARGV[2], tonumber(ARGV[3]), ARGV[4]
local want, lease, max_crashes = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[8])
local reply = {now, 0, 0, 0, 0}

-- When something next happens by itself.
local function next_event(grace)
  local soonest = math.huge
  for _, set in ipairs({LATER, LEASES, EXPIRY}) do
    local head = redis.call('ZRANGE', set, 0, 0, 'WITHSCORES')[2]
    if head then
      local at = tonumber(head)
      if set == LEASES and at < grace then
        at = grace
      end
      soonest = math.min(soonest, at)
    end
  end
  return soonest == math.huge and 0 or soonest
end

local last = redis.call('GET', caller)
if last then
  local known, granted = string.match(last, '^(%d+)\n(.*)$')
  known = tonumber(known)
  if known > number then
    return redis.error_reply('STALE the caller has gone on to call ' .. text(known))
  elseif known == number then
    local grace = tonumber(redis.call('HGET', CLOCK, 'grace') or 0)
    local members, ids = {}, {}
    for member in string.gmatch(granted, '[^\n]+') do
      members[#members + 1] = member
    end
    local held = {}
    for i, score in ipairs(fetch('ZMSCORE', LEASES, members)) do
      if score then
        held[#held + 1] = members[i]
        ids[#ids + 1] = string.sub(members[i], 1, 36)
      end
    end
    local rows, texts = fetch('HMGET', RUNS, ids), fetch('HMGET', JOBS, ids)
    for i, member in ipairs(held) do
      local _, failures, crashes, _, leased_at = parse_run(rows[i])
      reply[#reply + 1] = member .. ' ' .. failures .. ' ' .. crashes .. ' ' .. leased_at
      reply[#reply + 1] = texts[i] or ''
    end
    reply[2], reply[4] = next_event(grace), redis.call('ZCARD', OUTBOX)
    return reply
  end
end

local grace = stamp(tonumber(ARGV[9]))
local touched = 0
-- Half of what a call may touch is kept for lending, so that neither can starve the other.
local upkeep = math.max(TICKETS - want, TICKETS / 2)
local more = false

-- Members of a timed set whose time has come, as far as this call may go.
local function due(set)
  local room = upkeep - touched
  if room <= 0 then
    more = true
    return {}
  end
  local members = redis.call('ZRANGEBYSCORE', set, '-inf', NOW, 'LIMIT', 0, room)
  touched = touched + #members
  more = more or #members == room
  return members
end

if now >= grace then
  local lapsed = due(LEASES)
  lapse(lapsed, max_crashes)
  reply[5] = #lapsed
end

local function promote()
  local members = due(LATER)
  if #members == 0 then
    return
  end
  local again = {}
  for _, member in ipairs(members) do
    local _, n = queue_of(member)
    if n ~= '1' then
      again[#again + 1] = string.sub(member, 1, 36)
    end
  end
  local suspects = {}
  for i, row in ipairs(fetch('HMGET', RUNS, again)) do
    local _, _, crashes = parse_run(row)
    suspects[again[i]] = crashes > 0
  end
  local lines = {}
  for _, member in ipairs(members) do
    local id, queue = string.sub(member, 1, 36), queue_of(member)
    local line = P .. (suspects[id] and 'suspect:' or 'ready:') .. queue
    lines[line] = lines[line] or {}
    table.insert(lines[line], string.sub(member, 1, -2 - #queue))
    add(scheduled, queue, -1)
    add(waiting, queue, 1)
    rung[queue] = true
  end
  for line, tickets in pairs(lines) do
    bulk('RPUSH', line, tickets)
  end
  bulk('ZREM', LATER, members)
end
promote()

local function expire()
  local members = due(EXPIRY)
  if #members == 0 then
    return
  end
  local ids = {}
  for i, member in ipairs(members) do
    ids[i] = string.sub(member, 1, 36)
  end
  local rows = fetch('HMGET', RUNS, ids)
  for i, member in ipairs(members) do
    local queue, unique = string.match(member, '^([^:]+):(.*)$', 38)
    end_waiting(ids[i], queue, rows[i], unique, 'expired')
  end
  bulk('ZREM', EXPIRY, members)
end
expire()
write_counts()

local function read_queues()
  local queues, fields, names = {}, {}, {}
  for at = 11, #ARGV, 3 do
    local queue = ARGV[at]
    queues[#queues + 1] = {name = queue, share = tonumber(ARGV[at + 1]), limit = tonumber(ARGV[at + 2])}
    fields[#fields + 1] = 'w:' .. queue
    fields[#fields + 1] = 'r:' .. queue
    names[#names + 1] = queue
  end
  local counts, paused = fetch('HMGET', DEPTH, fields), fetch('HMGET', PAUSED, names)
  for i, queue in ipairs(queues) do
    queue.waiting = tonumber(counts[2 * i - 1] or 0)
    queue.running = tonumber(counts[2 * i] or 0)
    queue.places = queue.limit < 0 and math.huge or queue.limit - queue.running
    queue.paused = paused[i]
    queue.plain = '0 0 ' .. queue.name .. ' \n'
  end
  return queues
end

local ends = text(now + lease)
local plain_row = run_row(1, 0, 0, '0', NOW, '0', node, '')
local leases, rows_written, granted, expiry_left = {}, {}, {}, {}
local bytes, largest, full = 0, 0, false

-- Lends one ticket, or drops it when it is not its job's current one; false: its body is too much for this call.
local function lend(queue, ticket, id, row, body)
  local n, failures, crashes, unique = 1, 0, 0, ''
  if row then
    n, failures, crashes = parse_run(row)
  end
  if not body or string.sub(ticket, 38) ~= tostring(n) then
    return true
  end
  local run = plain_row
  if row or string.sub(body, 1, #queue.plain) ~= queue.plain then
    local expires, key = string.match(body, '^(%-?%d+) %-?%d+ %S+ ([^\n]*)\n')
    expires, unique = expires or '0', key or ''
    if expires ~= '0' then
      if tonumber(expires) <= now then
        end_waiting(id, queue.name, row, unique, 'expired')
        redis.call('ZREM', EXPIRY, id .. ':' .. queue.name .. ':' .. unique)
        queue.waiting = queue.waiting - 1
        return true
      end
      expiry_left[#expiry_left + 1] = id .. ':' .. queue.name .. ':' .. unique
    end
    run = run_row(n, failures, crashes, '0', NOW, expires, node, unique)
  end
  if #body > largest then
    largest = #body
  end
  if bytes + #body > BYTES and #granted > 0 then
    return false
  end
  bytes = bytes + #body
  local member = ticket .. ':' .. queue.name
  granted[#granted + 1] = member
  leases[#leases + 1] = ends
  leases[#leases + 1] = member
  rows_written[#rows_written + 1] = id
  rows_written[#rows_written + 1] = run
  reply[#reply + 1] = member .. ' ' .. failures .. ' ' .. crashes .. ' ' .. NOW
  reply[#reply + 1] = body
  queue.waiting = queue.waiting - 1
  queue.places = queue.places - 1
  add(waiting, queue.name, -1)
  add(running, queue.name, 1)
  return true
end

-- Lends up to `most` tickets from one line. Bodies are read a few at a time, fewer where they are large, so that little
-- is read in vain.
local function lend_from(queue, line, most)
  local before = #granted
  while #granted - before < most and touched < TICKETS and not full do
    local few = largest == 0 and 16 or math.max(1, math.min(128, math.floor((BYTES - bytes) / largest)))
    local tickets = redis.call('LPOP', line, math.min(most - (#granted - before), few, TICKETS - touched))
    if not tickets then
      return
    end
    local ids = {}
    for i, ticket in ipairs(tickets) do
      ids[i] = string.sub(ticket, 1, 36)
    end
    local rows, texts = redis.call('HMGET', RUNS, unpack(ids)), redis.call('HMGET', JOBS, unpack(ids))
    for i, ticket in ipairs(tickets) do
      if lend(queue, ticket, ids[i], rows[i], texts[i]) then
        touched = touched + 1
      else
        full = true
        for back = #tickets, i, -1 do
          redis.call('LPUSH', line, tickets[back])
        end
        break
      end
    end
  end
end

local waits = redis.call('ZCARD', OUTBOX)
if tonumber(ARGV[10]) >= 0 and waits > tonumber(ARGV[10]) then
  want = 0
end

local function open(queue)
  return queue.waiting > 0 and queue.places > 0 and not queue.paused
end

local queues = read_queues()
if want > 0 and ARGV[7] == '1' then
  for _, queue in ipairs(queues) do
    if #granted == 0 and open(queue) then
      lend_from(queue, P .. 'suspect:' .. queue.name, 1)
    end
  end
end
-- First each queue its share, then whoever has work fills what is left.
for _, by_share in ipairs({true, false}) do
  for _, queue in ipairs(queues) do
    local most = math.min(want - #granted, queue.places)
    if by_share then
      most = math.min(most, queue.share)
    end
    if most > 0 and open(queue) then
      lend_from(queue, P .. 'ready:' .. queue.name, most)
    end
  end
end

bulk('ZADD', LEASES, leases)
bulk('HSET', RUNS, rows_written)
bulk('ZREM', EXPIRY, expiry_left)
write_ends()
for _, queue in ipairs(queues) do
  if open(queue) then
    rung[queue.name] = true
    more = more or (#granted < want and (full or touched >= TICKETS))
  else
    -- Nothing here is to be had, so nobody need be woken for it.
    rung[queue.name] = nil
    redis.call('UNLINK', P .. 'bell:' .. queue.name)
    if queue.waiting > 0 and queue.places <= 0 then
      redis.call('HSET', DEPTH, 'full:' .. queue.name, 1)
    end
  end
end
redis.call('SET', caller, ARGV[3] .. '\n' .. table.concat(granted, '\n'), 'EX', 3600)
finish()
reply[2], reply[3], reply[4] = next_event(grace), more and 1 or 0, redis.call('ZCARD', OUTBOX)
return reply

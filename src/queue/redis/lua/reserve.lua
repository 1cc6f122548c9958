-- reserve.lua: the heartbeat: takes run-out leases back, goes on with purges, moves what is due, ends what expired, lends
-- tickets (Q2, Q5, Q6, Q11).
-- KEYS  1 meta
-- ARGV  1 now   2 caller   3 number   4 node   5 want   6 lease (us)   7 1 if a suspect may be lent   8 max crashes
--       9 the length of leases, for the engine's absences (us)   10 lend nothing while more ended jobs than this wait (-1: never mind)
--       then per queue, in order: queue, share, limit (-1: none)
-- Returns {now, next or 0, more, outbox, lapsed, then per lease: `ticket failures crashes leased_at queue`, body};
--       the ticket alone: 0, 0 and now, and the queue stands in the head of the body
local TICKETS, BYTES = 1000, 4 * 1024 * 1024
local caller, number, node = P .. 'batch:reserve:' .. ARGV[2], tonumber(ARGV[3]), ARGV[4]
local want, lease, max_crashes = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[8])
local reply = {now, 0, 0, 0, 0}

-- When something next happens by itself.
local function next_event(grace)
  if redis.call('EXISTS', CONDEMNED) == 1 then
    return now
  end
  local soonest = math.huge
  for _, set in ipairs({LATER, GRANT_ENDS, EXPIRY}) do
    local head = redis.call('ZRANGE', set, 0, 0, 'WITHSCORES')[2]
    if head then
      local at = tonumber(head)
      if set == GRANT_ENDS and at < grace then
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
    local tickets, queues = read_lines(granted)
    local held, ids, of, places = {}, {}, {}, {}
    for i, place in ipairs(fetch('HMGET', LENT, tickets)) do
      if place then
        held[#held + 1] = tickets[i]
        ids[#held], of[#held], places[#held] = string.sub(tickets[i], 1, 36), queues[i], place
      end
    end
    local rows, texts = fetch('HMGET', RUNS, ids), fetch('HMGET', JOBS, ids)
    for i, ticket in ipairs(held) do
      local _, failures, crashes, _, leased_at = parse_run(rows[i])
      if not rows[i] then
        _, leased_at = read_grant(grant_of(places[i]))
      end
      reply[#reply + 1] = ticket .. ' ' .. failures .. ' ' .. crashes .. ' ' .. leased_at .. ' ' .. of[i]
      reply[#reply + 1] = texts[i] or ''
    end
    reply[2], reply[4] = next_event(grace), outbox_size()
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

local function lapse_due()
  local lapsed = 0
  local over = redis.call('ZRANGEBYSCORE', GRANT_ENDS, '-inf', NOW, 'LIMIT', 0, 100)
  for i, name in ipairs(over) do
    if touched >= upkeep then
      more = true
      break
    end
    local taken = lapse(name, upkeep - touched, max_crashes)
    lapsed, touched = lapsed + taken, touched + taken
    more = more or i == 100
  end
  write_lapsed()
  return lapsed
end
if now >= grace then
  reply[5] = lapse_due()
end

-- Cancels those of `members`, which stand in `later`, that a purge condemned; answers the others.
local function spare(members)
  local condemned, others = {}, {}
  for _, member in ipairs(members) do
    local queue, n = queue_of(member)
    if is_condemned(member, queue) then
      condemned[queue] = condemned[queue] or {}
      table.insert(condemned[queue], ticket_of(string.sub(member, 1, 36), tonumber(n)))
    else
      others[#others + 1] = member
    end
  end
  for queue, tickets in pairs(condemned) do
    cancel_all(tickets, queue, false)
  end
  return others
end

local function promote()
  local members = due(LATER)
  if purging then
    members = spare(members)
  end
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
    local id, queue, n = string.sub(member, 1, 36), queue_of(member)
    local line = P .. (suspects[id] and 'suspect:' or 'ready:') .. queue
    lines[line] = lines[line] or {}
    table.insert(lines[line], ticket_of(id, tonumber(n)))
    add(scheduled, queue, -1)
    add(waiting, queue, 1)
    rung[queue] = true
  end
  for line, tickets in pairs(lines) do
    bulk('RPUSH', line, tickets)
  end
  bulk('ZREM', LATER, members)
end
if purging and touched < upkeep then
  touched = touched + sweep(upkeep - touched)
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
local places, rows_written, granted, expiry_left = {ANCHOR, ''}, {}, {}, {}
local lent, bytes, largest, full, grant = 0, 0, 0, false, nil
-- While no job ended as it waited, every first ticket is the current one of a job never lent.
local all_valid = redis.call('EXISTS', VOIDED) == 0

-- Reads the rows of `runs` of those tickets that may have one; and the ids of all.
local function rows_of(tickets)
  local ids, asked, at = tickets, {}, {}
  for i, ticket in ipairs(tickets) do
    local first = #ticket == 36
    if not first and ids == tickets then
      ids = {unpack(tickets)}
    end
    if not first then
      ids[i] = string.sub(ticket, 1, 36)
    end
    if not first or not all_valid then
      asked[#asked + 1] = ids[i]
      at[#asked] = i
    end
  end
  local rows = {}
  for k, row in ipairs(fetch('HMGET', RUNS, asked)) do
    rows[at[k]] = row
  end
  return rows, ids
end

-- What is known of a ticket that is no plain first one: its row and its head line for the reply; false when it is to be
-- dropped, being not its job's current one, or when the job expired.
local function look_at(queue, ticket, id, row, body)
  local n, failures, crashes = parse_run(row)
  if ticket ~= ticket_of(id, n) then
    return false
  end
  local expires, unique = string.match(body, '^(%-?%d+) %-?%d+ %S+ ([^\n]*)\n')
  expires, unique = expires or '0', unique or ''
  if expires ~= '0' then
    local waiting_member = id .. ':' .. queue.name .. ':' .. unique
    if tonumber(expires) <= now then
      end_waiting(id, queue.name, row or false, unique, 'expired')
      redis.call('ZREM', EXPIRY, waiting_member)
      queue.waiting = queue.waiting - 1
      return false
    end
    expiry_left[#expiry_left + 1] = waiting_member
  end
  return run_row(n, failures, crashes, '0', NOW, expires, node, unique),
    ' ' .. failures .. ' ' .. crashes .. ' ' .. NOW .. ' ' .. queue.name
end

-- Lends what can be lent of `tickets`; answers how many of them it dealt with: fewer than all when the bodies are too
-- much for this call.
local function lend(queue, tickets)
  local rows, ids = rows_of(tickets)
  local texts = redis.call('HMGET', JOBS, unpack(ids))
  local plain, before, dealt = queue.plain, lent, #tickets
  grant = grant or new_grant()
  local place = grant .. ':' .. queue.name
  for i, ticket in ipairs(tickets) do
    local body = texts[i]
    if body then
      local size = #body
      if size > largest then
        largest = size
      end
      if bytes + size > BYTES and lent > 0 then
        dealt = i - 1
        break
      end
      local run, head = true, ticket
      if rows[i] or #ticket ~= 36 or string.sub(body, 1, #plain) ~= plain then
        local counts
        run, counts = look_at(queue, ticket, ids[i], rows[i], body)
        if run then
          head = ticket .. counts
          rows_written[#rows_written + 1] = ids[i]
          rows_written[#rows_written + 1] = run
        end
      end
      if run then
        bytes = bytes + size
        lent = lent + 1
        places[2 * lent + 1], places[2 * lent + 2] = ticket, place
        reply[4 + 2 * lent], reply[5 + 2 * lent] = head, body
        queue.lent[lent - queue.before] = ticket
      end
    end
  end
  local by = lent - before
  queue.waiting = queue.waiting - by
  queue.places = queue.places - by
  add(waiting, queue.name, -by)
  add(running, queue.name, by)
  return dealt
end

-- Lends up to `most` tickets from one line. Bodies are read a few at a time, fewer where they are large, so that little
-- is read in vain.
local function lend_from(queue, line, most)
  local goal, first = lent + most, lent
  queue.lent, queue.before = {}, lent
  while lent < goal and touched < TICKETS and not full do
    local few = largest == 0 and 16 or math.max(1, math.min(128, math.floor((BYTES - bytes) / largest)))
    local tickets = redis.call('LPOP', line, math.min(goal - lent, few, TICKETS - touched))
    if not tickets then
      break
    end
    local dealt = lend(queue, tickets)
    touched = touched + dealt
    full = dealt < #tickets
    for back = #tickets, dealt + 1, -1 do
      redis.call('LPUSH', line, tickets[back])
    end
  end
  if lent > first then
    granted[#granted + 1] = queue.name .. ' ' .. table.concat(queue.lent, ' ') .. '\n'
  end
end

local waits = outbox_size()
if tonumber(ARGV[10]) >= 0 and waits > tonumber(ARGV[10]) then
  want = 0
end

local function open(queue)
  return queue.waiting > 0 and queue.places > 0 and not queue.paused
end

local queues = read_queues()
if want > 0 and ARGV[7] == '1' then
  for _, queue in ipairs(queues) do
    if lent == 0 and open(queue) then
      lend_from(queue, P .. 'suspect:' .. queue.name, 1)
    end
  end
end
-- First each queue its share, then whoever has work fills what is left.
for _, by_share in ipairs({true, false}) do
  for _, queue in ipairs(queues) do
    local most = math.min(want - lent, queue.places)
    if by_share then
      most = math.min(most, queue.share)
    end
    if most > 0 and open(queue) then
      lend_from(queue, P .. 'ready:' .. queue.name, most)
    end
  end
end

granted = table.concat(granted)
if lent > 0 then
  write_grant(grant, lent, NOW, node, granted, ends, places)
  bulk('HSET', RUNS, rows_written)
end
bulk('ZREM', EXPIRY, expiry_left)
write_ends()
for _, queue in ipairs(queues) do
  if open(queue) then
    rung[queue.name] = true
    more = more or (lent < want and (full or touched >= TICKETS))
  else
    -- Nothing here is to be had, so nobody need be woken for it.
    rung[queue.name] = nil
    redis.call('UNLINK', P .. 'bell:' .. queue.name)
    if queue.waiting > 0 and queue.places <= 0 then
      redis.call('HSET', DEPTH, 'full:' .. queue.name, 1)
    end
  end
end
redis.call('SET', caller, ARGV[3] .. '\n' .. granted, 'EX', 3600)
finish()
more = more or redis.call('EXISTS', CONDEMNED) == 1
reply[2], reply[3], reply[4] = next_event(grace), more and 1 or 0, outbox_size()
return reply

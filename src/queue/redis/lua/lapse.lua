-- lapse.lua: leases whose holder was not heard of. Used after base.lua, ends.lua and grants.lua.

-- Notes that the time line of the engine goes on, and answers the instant before which no lease counts as run out.
-- A hole of more than half a lease means that the engine was away, or its clock set forward: every lease gets one
-- more. A clock that was set back cuts the leases that would now last too long, some in each call.
local function stamp(lease)
  local clock = redis.call('HMGET', CLOCK, 'stamp', 'grace', 'cut')
  local last, grace, cut = tonumber(clock[1] or nil), tonumber(clock[2] or 0), clock[3] == '1'
  local before, was_cut = grace, cut
  if not last or now - last > lease / 2 then
    grace = now + lease
  elseif last > now then
    cut = true
    grace = math.min(grace, now + lease)
  end
  if cut then
    local long = redis.call('ZRANGEBYSCORE', GRANT_ENDS, '(' .. text(now + lease), '+inf', 'LIMIT', 0, 500)
    local shorter = {}
    for _, name in ipairs(long) do
      shorter[#shorter + 1] = text(now + lease)
      shorter[#shorter + 1] = name
    end
    bulk('ZADD', GRANT_ENDS, shorter)
    cut = #long == 500
  end
  if grace == before and cut == was_cut then
    redis.call('HSET', CLOCK, 'stamp', NOW)
  else
    redis.call('HSET', CLOCK, 'stamp', NOW, 'grace', text(grace), 'cut', cut and '1' or '0')
  end
  return grace
end

-- What a call that takes leases back writes in the end.
local taken_rows = {}

-- Takes one ticket from who held it: one crash. Its job goes to the line of suspects, or ends.
local function take_back(ticket, queue, row, leased_at, node, max_crashes)
  local id = string.sub(ticket, 1, 36)
  local n, failures, crashes, mark, _, expires, _, unique = parse_run(row)
  remember(id, 'crashed ' .. (failures + crashes + 1) .. ' ' .. leased_at .. ' ' .. NOW .. ' ' .. node)
  crashes = crashes + 1
  add(running, queue, -1)
  local rows = taken_rows
  rows[#rows + 1] = id
  if mark == '1' or crashes >= max_crashes then
    local state = mark == '1' and 'cancelled' or 'quarantined'
    rows[#rows + 1] = run_row(0, failures, crashes, '0', '0', '0', '', '')
    end_job(id, state, ' ' .. (failures + crashes) .. '\n\n\n', unique)
    return
  end
  rows[#rows + 1] = run_row(n + 1, failures, crashes, '0', NOW, expires, '', unique)
  redis.call('RPUSH', P .. 'suspect:' .. queue, ticket_of(id, n + 1))
  add(waiting, queue, 1)
  rung[queue] = true
  add_expiry(id, queue, expires, unique)
end

-- Takes back what is left of a grant, at most `room` tickets; with `node`, only what was lent to it at `before` or
-- earlier. Answers how many.
local function lapse(name, room, max_crashes, of_node, before)
  local _, granted_at, granted_to = read_grant(name)
  local tickets, queues = read_lines(redis.call('HGET', GRANTED, name) or '')
  local held, held_queues, ids = {}, {}, {}
  for i, place in ipairs(fetch('HMGET', LENT, tickets)) do
    if place == name .. ':' .. queues[i] then
      held[#held + 1] = tickets[i]
      held_queues[#held] = queues[i]
      ids[#held] = string.sub(tickets[i], 1, 36)
    end
  end
  local taken = 0
  for i, row in ipairs(fetch('HMGET', RUNS, ids)) do
    if taken == room then
      break
    end
    local leased_at, node = granted_at, granted_to
    if row then
      local _, _, _, _, lent_at, _, lent_to = parse_run(row)
      leased_at, node = lent_at, lent_to
    end
    if not of_node or (node == of_node and tonumber(leased_at) <= before) then
      taken = taken + 1
      leave(held[i], name .. ':' .. held_queues[i])
      take_back(held[i], held_queues[i], row, leased_at, node, max_crashes)
    end
  end
  if taken == #held then
    forget_grant(name)
  end
  return taken
end

local function write_lapsed()
  bulk('HSET', RUNS, taken_rows)
  write_timed()
  write_leavers()
  taken_rows = {}
end

-- lapse.lua: leases whose holder was not heard of. Used after base.lua and ends.lua.

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
    local long = redis.call('ZRANGEBYSCORE', LEASES, '(' .. text(now + lease), '(+inf', 'LIMIT', 0, 500)
    local shorter = {}
    for _, member in ipairs(long) do
      shorter[#shorter + 1] = text(now + lease)
      shorter[#shorter + 1] = member
    end
    bulk('ZADD', LEASES, shorter)
    cut = #long == 500
  end
  if grace == before and cut == was_cut then
    redis.call('HSET', CLOCK, 'stamp', NOW)
  else
    redis.call('HSET', CLOCK, 'stamp', NOW, 'grace', text(grace), 'cut', cut and '1' or '0')
  end
  return grace
end

-- Takes leases (`id:n:queue`) from who held them: one crash each. The jobs go to the lines of suspects, or end.
local function lapse(members, max_crashes)
  if #members == 0 then
    return
  end
  local ids = {}
  for i, member in ipairs(members) do
    ids[i] = string.sub(member, 1, 36)
  end
  local rows = fetch('HMGET', RUNS, ids)
  local changed, expiry, expiry_queues = {}, {}, {}
  for i, member in ipairs(members) do
    local id, queue = ids[i], queue_of(member)
    local n, failures, crashes, mark, leased_at, expires, node, unique = parse_run(rows[i])
    remember(id, 'crashed ' .. (failures + crashes + 1) .. ' ' .. leased_at .. ' ' .. NOW .. ' ' .. node)
    crashes = crashes + 1
    add(running, queue, -1)
    changed[#changed + 1] = id
    if mark == '1' or crashes >= max_crashes then
      local state = mark == '1' and 'cancelled' or 'quarantined'
      changed[#changed + 1] = run_row(0, failures, crashes, '0', '0', '0', '', '')
      end_job(id, state, ' ' .. (failures + crashes) .. '\n\n\n', unique)
    else
      changed[#changed + 1] = run_row(n + 1, failures, crashes, '0', NOW, expires, '', unique)
      redis.call('RPUSH', P .. 'suspect:' .. queue, id .. ':' .. (n + 1))
      add(waiting, queue, 1)
      rung[queue] = true
      if expires ~= '0' then
        expiry[#expiry + 1] = expires
        expiry[#expiry + 1] = id .. ':' .. queue .. ':' .. unique
        expiry_queues[#expiry_queues + 1] = queue
      end
    end
  end
  bulk('ZREM', LEASES, members)
  bulk('HSET', RUNS, changed)
  if redis.call('EXISTS', PROGRESS) == 1 then
    bulk('HDEL', PROGRESS, ids)
  end
  add_timed(EXPIRY, expiry, expiry_queues)
end

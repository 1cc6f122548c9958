-- ends.lua: how jobs end, and what is remembered of their attempts. Used after base.lua.

-- Attempts kept of one job: the first and the latest ones. `Attempt::KEPT_MAX`.
local KEPT = 20

-- A row of `runs`: how often a job was lent and lost, and what is needed of its header while it is lent, so that no
-- body is read to take it back. A job lent for the first time that has neither expiry nor unique key needs none: its
-- grant tells the rest. mark: 0 nothing, 1 its end was asked for, 2 it waits for a retry. leased_at: since when it is
-- lent; of a job that goes back to wait, from when on it may be lent again.
local function run_row(n, failures, crashes, mark, leased_at, expires, node, unique)
  return n .. ' ' .. failures .. ' ' .. crashes .. ' ' .. mark .. ' ' .. leased_at .. ' ' .. expires .. '\n' .. node .. '\n' .. unique
end

-- n, failures, crashes, mark, leased_at, expires, node, unique
local function parse_run(row)
  if not row then
    return 1, 0, 0, '0', '0', '0', '', ''
  end
  local n, failures, crashes, mark, leased_at, expires, node, unique =
    string.match(row, '^(%d+) (%d+) (%d+) (%d) (%-?%d+) (%-?%d+)\n([^\n]*)\n(.*)$')
  return tonumber(n), tonumber(failures), tonumber(crashes), mark, leased_at, expires, node, unique
end

-- Appends a line to the attempts of a job.
local function remember(id, line)
  local old = redis.call('HGET', HISTORY, id)
  if old then
    local _, breaks = string.gsub(old, '\n', '\n')
    if breaks + 1 >= KEPT then
      local first = string.find(old, '\n', 1, true)
      local second = string.find(old, '\n', first + 1, true)
      old = string.sub(old, 1, first) .. string.sub(old, second + 1)
    end
    line = old .. '\n' .. line
  end
  redis.call('HSET', HISTORY, id, line)
end

-- Expiry, queue and unique key of a job that has not ended, as the head of its body tells them. Else the answer of the
-- call: `unknown`, `late`, or that it cannot be read.
local function head_of_live(id)
  local body = redis.call('HGET', JOBS, id)
  if not body then
    return {now, 'unknown'}
  elseif redis.call('HEXISTS', RESULTS, id) == 1 then
    return {now, 'late'}
  end
  local expires, queue, unique = string.match(body, '^(%-?%d+) %-?%d+ (%S+) ([^\n]*)\n')
  if not queue then
    return redis.error_reply('DEFECT the job has no head that can be read; it ends when its turn comes')
  end
  return nil, expires, queue, unique
end

-- What ends in this call: written at once by `write_ends`.
local results, outbox, unique_keys, unique_ids, ended = {}, {}, {}, {}, 0

-- Ends a job. `tail` is ` <attempts>\n<error>\n<last attempt>\n<result>`, each but the first possibly empty.
local function end_job(id, state, tail, unique)
  ended = ended + 1
  results[2 * ended - 1], results[2 * ended] = id, state .. ' ' .. NOW .. tail
  outbox[ended] = id
  totals[state] = (totals[state] or 0) + 1
  if unique ~= '' then
    unique_keys[#unique_keys + 1] = unique
    unique_ids[#unique_ids + 1] = id
  end
end

local function write_ends()
  if ended == 0 then
    return
  end
  bulk('HSET', RESULTS, results)
  bulk('RPUSH', OUTBOX, outbox)
  if #unique_keys > 0 then
    local freed = {}
    for i, holder in ipairs(fetch('HMGET', UNIQUE, unique_keys)) do
      -- A key whose time was over may be held by a later job by now.
      if holder and string.sub(holder, 1, 36) == unique_ids[i] then
        freed[#freed + 1] = unique_keys[i]
      end
    end
    bulk('HDEL', UNIQUE, freed)
  end
end

-- Ends a job that waits: in its line (its ticket stays there and is dropped by whoever meets it) or in `later`.
local function end_waiting(id, queue, row, unique, state)
  local n, failures, crashes = parse_run(row)
  if redis.call('ZREM', LATER, id .. ':' .. n .. ':' .. queue) == 1 then
    add(scheduled, queue, -1)
  else
    add(waiting, queue, -1)
    littered[queue] = true
  end
  -- No ticket has the number 0: the one that may stand in a line is void.
  redis.call('SADD', VOIDED, id)
  redis.call('HSET', RUNS, id, run_row(0, failures, crashes, '0', '0', '0', '', ''))
  end_job(id, state, ' ' .. (failures + crashes) .. '\n\n\n', unique)
end

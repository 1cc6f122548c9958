-- release.lua: gives leases back uncounted: to the head of their line, or for later (Q3, Q8).
-- KEYS  1 meta
-- ARGV  1 now, then per release four words: ticket, queue, delay (us), the attempt or empty
-- Returns {now, a letter per release: q queued · l waits for its time · c ended, since that was asked for · - not ours}
local tickets, ids = {}, {}
for at = 2, #ARGV, 4 do
  tickets[#tickets + 1] = ARGV[at]
  ids[#ids + 1] = string.sub(ARGV[at], 1, 36)
end
local held, runs = fetch('HMGET', LENT, tickets), fetch('HMGET', RUNS, ids)
local answers, rows, seen, heads = {}, {}, {}, {}
for i, ticket in ipairs(tickets) do
  if not held[i] or seen[ticket] then
    answers[i] = '-'
  else
    seen[ticket] = true
    leave(ticket, held[i])
    local id, queue = ids[i], ARGV[4 * i - 1]
    local delay, attempt = tonumber(ARGV[4 * i]), ARGV[4 * i + 1]
    local n, failures, crashes, mark, since, expires, _, unique = parse_run(runs[i])
    if not runs[i] then
      local _
      _, since = read_grant(grant_of(held[i]))
    end
    add(running, queue, -1)
    if mark == '1' then
      answers[i] = 'c'
      end_job(id, 'cancelled', ' ' .. (failures + crashes) .. '\n\n' .. attempt .. '\n', unique)
    else
      if attempt ~= '' then
        remember(id, attempt)
      end
      if delay > 0 then
        since = text(now + delay)
      end
      rows[#rows + 1] = id
      rows[#rows + 1] = run_row(n + 1, failures, crashes, '0', since, expires, '', unique)
      if delay > 0 then
        answers[i] = 'l'
        add_later(id, n + 1, queue, since)
      else
        answers[i] = 'q'
        local line = P .. (crashes > 0 and 'suspect:' or 'ready:') .. queue
        heads[line] = heads[line] or {}
        -- The last is pushed first, so that they stand in the order in which they came.
        table.insert(heads[line], 1, ticket_of(id, n + 1))
        add(waiting, queue, 1)
        rung[queue] = true
      end
      add_expiry(id, queue, expires, unique)
    end
  end
end
for line, tickets in pairs(heads) do
  bulk('LPUSH', line, tickets)
end
bulk('HSET', RUNS, rows)
write_timed()
write_leavers()
write_ends()
finish()
return {now, table.concat(answers)}

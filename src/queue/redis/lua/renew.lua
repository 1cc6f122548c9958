-- renew.lua: keeps leases and brings progress (Q3).
-- KEYS  1 meta
-- ARGV  1 now   2 lease (us)   3 the length of leases, for the engine's absences (us)
--       then per renewal three words: ticket, queue, progress or empty
-- Returns {now, a letter per renewal: h held · c held, and its end was asked for · - lost}
stamp(tonumber(ARGV[3]))
local tickets, ids = {}, {}
for at = 4, #ARGV, 3 do
  tickets[#tickets + 1] = ARGV[at]
  ids[#ids + 1] = string.sub(ARGV[at], 1, 36)
end
local held, rows = fetch('HMGET', LENT, tickets), fetch('HMGET', RUNS, ids)
local answers, progress, moved, lines, count = {}, {}, {}, {}, 0
local new_rows, name = {}, nil
for i, ticket in ipairs(tickets) do
  local old = held[i]
  if old then
    local _, _, _, mark = parse_run(rows[i])
    answers[i] = mark == '1' and 'c' or 'h'
    local queue, said = ARGV[3 * i + 2], ARGV[3 * i + 3]
    if said ~= '' then
      progress[#progress + 1] = ids[i]
      progress[#progress + 1] = said
    end
    if not moved[ticket] then
      name = name or new_grant()
      moved[ticket] = name .. ':' .. queue
      count = count + 1
      leavers[old] = (leavers[old] or 0) + 1
      lines[queue] = lines[queue] or {queue}
      table.insert(lines[queue], ticket)
      if not rows[i] then
        local _, leased_at, node = read_grant(grant_of(old))
        new_rows[#new_rows + 1] = ids[i]
        new_rows[#new_rows + 1] = run_row(1, 0, 0, '0', leased_at, '0', node, '')
      end
    end
  else
    answers[i] = '-'
  end
end
if count > 0 then
  local granted, pairs_ = {}, {}
  for _, line in pairs(lines) do
    granted[#granted + 1] = table.concat(line, ' ') .. '\n'
  end
  for ticket, place in pairs(moved) do
    pairs_[#pairs_ + 1] = ticket
    pairs_[#pairs_ + 1] = place
  end
  write_grant(name, count, '0', '', table.concat(granted), text(now + tonumber(ARGV[2])), pairs_)
  bulk('HSET', RUNS, new_rows)
  bulk('HSET', PROGRESS, progress)
  write_leavers()
end
return {now, table.concat(answers)}

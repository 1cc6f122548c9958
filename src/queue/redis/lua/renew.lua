-- renew.lua: keeps leases and brings progress (Q3).
-- KEYS  1 meta
-- ARGV  1 now   2 lease (us)   3 the length of leases, for the engine's absences (us)
--       then per renewal: `id:n:queue`, progress or empty
-- Returns {now, a letter per renewal: h held · c held, and its end was asked for · - lost}
stamp(tonumber(ARGV[3]))
local members, ids = {}, {}
for at = 4, #ARGV, 2 do
  members[#members + 1] = ARGV[at]
  ids[#ids + 1] = string.sub(ARGV[at], 1, 36)
end
local held, rows = fetch('ZMSCORE', LEASES, members), fetch('HMGET', RUNS, ids)
local ends = text(now + tonumber(ARGV[2]))
local answers, longer, progress = {}, {}, {}
for i, member in ipairs(members) do
  if held[i] then
    local _, _, _, mark = parse_run(rows[i])
    answers[i] = mark == '1' and 'c' or 'h'
    longer[#longer + 1] = ends
    longer[#longer + 1] = member
    local said = ARGV[3 + 2 * i]
    if said ~= '' then
      progress[#progress + 1] = ids[i]
      progress[#progress + 1] = said
    end
  else
    answers[i] = '-'
  end
end
bulk('ZADD', LEASES, longer)
bulk('HSET', PROGRESS, progress)
return {now, table.concat(answers)}

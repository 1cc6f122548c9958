-- running.lua: jobs that are lent, a page of them a call, in no order (Q11).
-- KEYS  1 meta
-- ARGV  1 now   2 cursor, 0 at first   3 queue, or empty: of all
-- Returns {now, next cursor ("0": that was the last page), then per job: when it was lent, its ticket}
local page = redis.call('HSCAN', LENT, ARGV[2], 'COUNT', 500)
local tickets, ids, grants = {}, {}, {}
for i = 1, #page[2], 2 do
  local ticket, grant, queue = page[2][i], string.match(page[2][i + 1], '^(%d+):(.*)$')
  if grant and (ARGV[3] == '' or queue == ARGV[3]) then -- the anchor has none
    tickets[#tickets + 1] = ticket
    ids[#ids + 1] = string.sub(ticket, 1, 36)
    grants[#grants + 1] = grant
  end
end
local reply = {now, page[1]}
for i, row in ipairs(fetch('HMGET', RUNS, ids)) do
  local _, _, _, _, leased_at = parse_run(row)
  if not row then
    _, leased_at = read_grant(grants[i])
  end
  reply[#reply + 1] = tonumber(leased_at)
  reply[#reply + 1] = tickets[i]
end
return reply

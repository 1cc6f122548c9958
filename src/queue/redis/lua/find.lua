-- find.lua: how jobs stand.
-- KEYS  1 meta
-- ARGV  1 now, then ids
-- Returns {now, then per id, for as many as fit into an answer, at least one:
--   body or false, result or false, row of runs or false, attempts or false, progress or false, due or false, whether it is lent: when and to whom as in `grants`, or empty where the row tells, or false}
local BYTES = 4 * 1024 * 1024
local reply, bytes = {now}, 0
for i = 2, #ARGV do
  local id = ARGV[i]
  local body = redis.call('HGET', JOBS, id)
  local row = redis.call('HGET', RUNS, id)
  local result = redis.call('HGET', RESULTS, id)
  local attempts, progress, due, lent = false, false, false, false
  if body then
    local n = row and string.match(row, '^(%d+)') or '1'
    local queue = string.match(body, '^%-?%d+ %-?%d+ (%S+) ')
    attempts = row and redis.call('HGET', HISTORY, id)
    if queue and not result then
      due = redis.call('ZSCORE', LATER, id .. ':' .. n .. ':' .. queue)
      local place = redis.call('HGET', LENT, ticket_of(id, tonumber(n)))
      if place then
        lent = row and '' or redis.call('HGET', GRANTS, string.match(place, '^%d+'))
        progress = redis.call('HGET', PROGRESS, id)
      end
    end
  end
  for _, value in ipairs({body, result, row, attempts, progress, due, lent}) do
    reply[#reply + 1] = value
  end
  bytes = bytes + #(body or '') + #(result or '') + #(attempts or '')
  if bytes > BYTES then
    break
  end
end
return reply

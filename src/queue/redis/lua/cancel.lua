-- cancel.lua: ends a job that waits, or asks for the end of one that runs.
-- KEYS  1 meta
-- ARGV  1 now   2 id
-- Returns {now, ended | requested | late | unknown}
local id = ARGV[2]
local answer, expires, queue, unique = head_of_live(id)
if answer then
  return answer
end
local row = redis.call('HGET', RUNS, id)
local n, failures, crashes, _, leased_at, _, node = parse_run(row)
local place = redis.call('HGET', LENT, ticket_of(id, n))
if place then
  if not row then
    local _
    _, leased_at, node = read_grant(grant_of(place))
  end
  redis.call('HSET', RUNS, id, run_row(n, failures, crashes, '1', leased_at, expires, node, unique))
  return {now, 'requested'}
end
end_waiting(id, queue, row, unique, 'cancelled')
if expires ~= '0' then
  redis.call('ZREM', EXPIRY, id .. ':' .. queue .. ':' .. unique)
end
write_ends()
finish()
return {now, 'ended'}

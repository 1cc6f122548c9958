-- make_due.lua: moves a job that waits for its time to its line, as if that time had come.
-- KEYS  1 meta
-- ARGV  1 now   2 id
-- Returns {now, now | queued | running | late | unknown}
local id = ARGV[2]
local refusal, _, queue = head_of_live(id)
if refusal then
  return refusal
end
local row = redis.call('HGET', RUNS, id)
local n, failures, crashes, mark, _, expires, node, unique = parse_run(row)
local ticket, member = ticket_of(id, n), id .. ':' .. n .. ':' .. queue
if redis.call('HEXISTS', LENT, ticket) == 1 then
  return {now, 'running'}
elseif not redis.call('ZSCORE', LATER, member) then
  return {now, 'queued'}
end
local answer = 'now'
if is_condemned(member, queue) then
  cancel_all({ticket}, queue, false)
  write_ends()
  answer = 'late'
else
  redis.call('ZREM', LATER, member)
  if row then
    redis.call('HSET', RUNS, id, run_row(n, failures, crashes, mark, NOW, expires, node, unique))
  end
  redis.call('RPUSH', P .. (crashes > 0 and 'suspect:' or 'ready:') .. queue, ticket)
  add(scheduled, queue, -1)
  add(waiting, queue, 1)
  rung[queue] = true
end
finish()
return {now, answer}

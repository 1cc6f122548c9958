-- fire.lua: claims a tick of a cron entry and accepts its job in the same step (Q13).
-- KEYS  1 meta
-- ARGV  1 now   2 name   3 tick (us)   then the job's words (accept.lua)
-- Returns {now, n no such entry · t that tick or a later one is taken · else the letter of the accepted job}
local row = redis.call('HGET', P .. 'schedules', ARGV[2])
if not row then
  return {now, 'n'}
end
local created, last, definition = string.match(row, '^(%-?%d+) (%-?%d+) %S+\n(.*)$')
if last ~= '0' and tonumber(last) >= tonumber(ARGV[3]) then
  return {now, 't'}
end
local letter = accept(4, 1)
local job = string.sub(letter, 1, 1) == 'e' and string.sub(letter, 2) or ARGV[7]
write_accepted()
redis.call('HSET', P .. 'schedules', ARGV[2], created .. ' ' .. ARGV[3] .. ' ' .. job .. '\n' .. definition)
finish()
return {now, letter}

-- enqueue.lua: accepts submissions, each all or nothing, in one step (Q1, Q6, Q7, Q15).
-- KEYS  1 meta
-- ARGV  1 now   2 caller   3 number   4 how long an Idempotency-Key is remembered (us)   5 how many are remembered
--       then per submission: count of jobs, Idempotency-Key or empty, digest, first id, 1 if a retry is among them; and its
--       jobs' words (accept.lua)
-- Returns {now, answers}; answers: a line per submission: A and a letter a job · R and what was remembered, when the same
--       came before · K the key came with another digest · F no more keys can be remembered · O an outdated retry. Of a
--       repeat: the same.
local IDEMPOTENCY, FORGET = P .. 'idempotency', P .. 'idempotency_ends'
local memory = P .. 'batch:enqueue:' .. ARGV[2]
local last = redis.call('GET', memory)
if last then
  local number, answers = string.match(last, '^(%d+)\n(.*)$')
  if tonumber(number) == tonumber(ARGV[3]) then
    return {now, answers}
  elseif tonumber(number) > tonumber(ARGV[3]) then
    return redis.error_reply('STALE the caller has gone on to call ' .. number)
  end
end

local swept = false
-- Forgets keys whose time is over, a bounded number a call; tells whether there is room for one more.
local function room_for_a_key()
  if not swept then
    swept = true
    local over = redis.call('ZRANGEBYSCORE', FORGET, '-inf', NOW, 'LIMIT', 0, 900)
    bulk('HDEL', IDEMPOTENCY, over)
    bulk('ZREM', FORGET, over)
  end
  return redis.call('HLEN', IDEMPOTENCY) < tonumber(ARGV[5])
end

local function remembered(key)
  local ends = redis.call('ZSCORE', FORGET, key)
  return ends and tonumber(ends) > now and redis.call('HGET', IDEMPOTENCY, key)
end

local answers = {}
local at = 6
while ARGV[at] do
  local count, key, digest, first = tonumber(ARGV[at]), ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
  local answer, over
  local known = key ~= '' and remembered(key)
  if known then
    if string.sub(known, 1, 64) == digest then
      answer = 'R' .. string.sub(known, 66)
    else
      answer = 'K'
    end
  elseif key ~= '' and not room_for_a_key() then
    answer = 'F'
  elseif ARGV[at + 4] == '1' and select(2, look_through(at + 5, count)) then
    answer = 'O'
  else
    local letters, exceptions
    letters, exceptions, over = accept(at + 5, count)
    answer = 'A' .. letters
    if key ~= '' then
      redis.call('HSET', IDEMPOTENCY, key, digest .. ' ' .. first .. ' ' .. count .. ' ' .. exceptions)
      redis.call('ZADD', FORGET, text(now + tonumber(ARGV[4])), key)
    end
  end
  answers[#answers + 1] = answer
  at = over or look_through(at + 5, count)
end
write_accepted()
local reply = table.concat(answers, '\n')
redis.call('SET', memory, ARGV[3] .. '\n' .. reply, 'EX', 3600)
finish()
return {now, reply}

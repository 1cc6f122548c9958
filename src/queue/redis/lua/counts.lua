-- counts.lua: the counters, as they stand at one moment (Q14).
-- KEYS  1 meta
-- ARGV  1 now
-- Returns {now, size of the outbox, {field, count, ...}, {paused queue, ...}}; fields: w:, s:, r: and a queue, t: and a state
return {now, outbox_size(), redis.call('HGETALL', DEPTH), redis.call('HKEYS', PAUSED)}

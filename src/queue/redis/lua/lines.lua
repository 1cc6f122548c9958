-- lines.lua: which tickets of a line are worth something. Used after base.lua.

-- For each of `tickets`, as they stand in a line, whether it is its job's current one: those of jobs that ended as they
-- waited stay in their line until whoever takes from it drops them.
local function current(tickets)
  local ids, answers = {}, {}
  for i, ticket in ipairs(tickets) do
    ids[i] = string.sub(ticket, 1, 36)
  end
  for i, row in ipairs(fetch('HMGET', RUNS, ids)) do
    local n = row and tonumber(string.match(row, '^%d+')) or 1
    answers[i] = tickets[i] == ticket_of(ids[i], n) and redis.call('HEXISTS', JOBS, ids[i]) == 1
  end
  return answers
end

-- One exchange: writes what this Envoy consumed of each counter, and answers what all others did.
--   KEYS   a hash for each counter and window: its fields are Envoys, its values what each consumed
--   ARGV   this Envoy; for how many seconds requests under way are believed; then for each key two:
--          what this Envoy consumed, and when the hash may go in seconds since the epoch, 0 for requests under way
-- Amounts have up to twenty digits, and numbers here are exact to fifteen: so they are compared as text and summed in two
-- parts. A total never falls within its window: the larger of two is the later, however often and in whatever order they
-- come. Requests under way do fall: the last word stands, and ages.
local me, fresh = ARGV[1], tonumber(ARGV[2])
local info = redis.pcall('INFO', 'server')
local out = {type(info) == 'string' and string.match(info, 'run_id:(%w+)') or ''}
local now = tonumber(redis.call('TIME')[1])
for i, key in ipairs(KEYS) do
  local own, till = ARGV[1 + 2 * i], tonumber(ARGV[2 + 2 * i])
  if till == 0 then
    if own == '0' then redis.call('HDEL', key, me) else redis.call('HSET', key, me, own .. ' ' .. now) end
    redis.call('EXPIRE', key, 2 * fresh)
  elseif own ~= '0' then
    local old = redis.call('HGET', key, me)
    if not old or #own > #old or (#own == #old and own > old) then redis.call('HSET', key, me, own) end
    redis.call('EXPIREAT', key, till)
  end
  local all, high, low = redis.call('HGETALL', key), 0, 0
  for j = 1, #all, 2 do
    local amount, at = string.match(all[j + 1], '^(%d+) ?(%d*)$')
    if amount and all[j] ~= me then
      if at ~= '' and now - tonumber(at) > fresh then
        redis.call('HDEL', key, all[j])
      else
        high = high + (tonumber(string.sub(amount, 1, -10)) or 0)
        low = low + tonumber(string.sub(amount, -9))
      end
    end
  end
  out[i + 1] = string.format('%.0f %.0f', high, low)
end
return out

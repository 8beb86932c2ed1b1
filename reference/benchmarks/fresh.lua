-- What wrk sends. Arguments after "--": the file of the body ("-" for a GET without one), the first number, the step of
-- sequence numbers, and the method.
-- Eight "#" in the body are a place for the request's number: every request has another one, so its keys are new.
-- Ten "@" are a place for its sequence number, which begins at 1000000000 and grows by the third argument; eight "%"
-- for the producer's id, which is the first number.
-- The number is patched into one buffer, which costs a few microseconds where building the body anew costs hundreds.

local ffi = require("ffi")
local MARK, SEQUENCE, PRODUCER = "########", "@@@@@@@@@@", "%%%%%%%%"

local function places_of(mark, text)
  local places, from = {}, 1
  while true do
    local at = text:find(mark, from, true)
    if not at then return places end
    places[#places + 1] = at - 1
    from = at + #mark
  end
end

function init(arguments)
  if arguments[1] == "-" then return end
  local file = assert(io.open(arguments[1], "rb"))
  wrk.method = arguments[4]
  wrk.headers["Content-Type"] = "application/json"
  wrk.body = file:read("*a")
  file:close()

  local whole = wrk.format()
  local size = #whole
  local places, sequences = places_of(MARK, whole), places_of(SEQUENCE, whole)
  local buffer = ffi.new("char[?]", size)
  ffi.copy(buffer, whole, size)
  local number = tonumber(arguments[2])
  local sequence, step = 1000000000, tonumber(arguments[3])
  for _, place in ipairs(places_of(PRODUCER, whole)) do
    ffi.copy(buffer + place, string.format("%08d", number % 100000000), #PRODUCER)
  end

  function request()
    number = number + 1
    local digits = string.format("%08d", number % 100000000)
    for i = 1, #places do ffi.copy(buffer + places[i], digits, #MARK) end
    for i = 1, #sequences do
      ffi.copy(buffer + sequences[i], string.format("%d", sequence), #SEQUENCE)
      sequence = sequence + step
    end
    return ffi.string(buffer, size)
  end
end

function done(summary, latency)
  local e = summary.errors
  io.write(string.format(
    'MEASURED {"requests": %d, "duration_us": %d, "p50_us": %d, "p99_us": %d, "failures": %d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    e.connect + e.read + e.write + e.status + e.timeout))
end

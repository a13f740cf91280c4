-- Refuses a REST body with a field that the contract does not know, before the transcoder would drop it in silence.
--
-- Only names and nesting are checked, by the two tables that deploy/body_fields.py makes from the contract. Values are
-- the transcoder's: it says itself which one is wrong. The body is whole and bounded by then (envoy.filters.http.buffer).
-- A body that cannot be checked is refused: a path that no call has, a text that is not strict JSON, an error in here.

-- CALLS[method] is a list of {pattern, message}; message "" stands for a call that takes no body.
-- MESSAGES[name][field] is "" for a value, ">name" for a message, "{}name" for a map of messages, "*" for anything.
local CALLS, MESSAGES = ${calls}, ${messages}

local MOST_DEPTH = 64
local MOST_NAME = 64
local find, sub, byte, gsub = string.find, string.sub, string.byte, string.gsub

-- The body that is being checked, and the names on the way to where the check is. Nothing waits during a check, so one
-- of each is enough; a path is put together only for an error.
local text, trail, depth = "", {}, 0

local function refuse(reason, message, field)
  error({reason = reason, message = message, field = field}, 0)
end

local function malformed(at)
  refuse("INVALID_REQUEST", "the request cannot be read: its body is not JSON, at byte " .. at)
end

local function here()
  local path = ""
  for level = 1, depth do
    local name = trail[level]
    if type(name) == "number" then
      path = path .. "[" .. name .. "]"
    else
      name = gsub(sub(name, 1, MOST_NAME), "[^%w_%-%.%$@ ]", "?")
      path = path == "" and name or path .. "." .. name
    end
  end
  return path
end

local function refuse_field(reason, message)
  local field = here()
  refuse(reason, field .. ": " .. message, field)
end

local function enter(name)
  depth = depth + 1
  if depth > MOST_DEPTH then
    refuse("INVALID_REQUEST", "the request cannot be read: its body is nested too deeply")
  end
  trail[depth] = name
end

-- The first place from `at` on that is not blank, and the byte there; past the end, nil.
local function next_byte(at)
  local char = byte(text, at)
  while char == 32 or char == 10 or char == 13 or char == 9 do
    at = at + 1
    char = byte(text, at)
  end
  return at, char
end

-- The place after a string whose quote stands at `at`.
local function after_string(at)
  local place = at + 1
  while true do
    local found = find(text, '["\\]', place)
    if found == nil then
      malformed(at)
    end
    if byte(text, found) == 34 then
      return found + 1
    end
    place = found + 2
  end
end

-- The place after any value, whose first byte stands at `at`. Brackets are counted, so that no depth is too much.
local function after_anything(at)
  local first = byte(text, at)
  if first == 34 then
    return after_string(at)
  end
  if first ~= 123 and first ~= 91 then
    local _, last = find(text, "^[%w%.%+%-]+", at)
    if last == nil then
      malformed(at)
    end
    return last + 1
  end
  local open, place = 0, at
  while true do
    local found = find(text, '["%[%]{}]', place)
    if found == nil then
      malformed(at)
    end
    local char = byte(text, found)
    if char == 34 then
      place = after_string(found)
    else
      open = open + ((char == 123 or char == 91) and 1 or -1)
      place = found + 1
      if open == 0 then
        return place
      end
    end
  end
end

local function fields_of(message)
  local names = {}
  for name in pairs(MESSAGES[message]) do
    if not find(name, "_", 1, true) then
      names[#names + 1] = name
    end
  end
  table.sort(names)
  return table.concat(names, ", ")
end

local function unknown(message)
  local known = fields_of(message)
  local hint = known == "" and "it has no fields" or "known here: " .. known
  refuse_field("UNKNOWN_FIELD", "the contract has no such field (" .. hint .. ")")
end

local check_value

-- The place after an object, whose brace stands at `at`: a message, or where that is nil a map whose values are of `kind`.
local function after_object(at, message, kind)
  local fields = MESSAGES[message]
  local place, char = next_byte(at + 1)
  if char == 125 then
    return place + 1
  end
  while true do
    if char ~= 34 then
      malformed(place)
    end
    local rest = after_string(place)
    local name = sub(text, place + 1, rest - 2)
    enter(name)
    local colon, is_colon = next_byte(rest)
    if is_colon ~= 58 then
      malformed(colon)
    end
    place = check_value(colon + 1, kind or fields[name] or unknown(message))
    depth = depth - 1
    place, char = next_byte(place)
    if char == 125 then
      return place + 1
    elseif char ~= 44 then
      malformed(place)
    end
    place, char = next_byte(place + 1)
  end
end

-- A list is checked item by item: a field that is repeated, or one that is not and that the transcoder will refuse.
local function after_list(at, kind)
  local place, char = next_byte(at + 1)
  if char == 93 then
    return place + 1
  end
  local index = 0
  while true do
    enter(index)
    place, char = next_byte(check_value(place, kind))
    depth = depth - 1
    if char == 93 then
      return place + 1
    elseif char ~= 44 then
      malformed(place)
    end
    place, index = place + 1, index + 1
  end
end

function check_value(at, kind)
  local place, char = next_byte(at)
  if char == nil then
    malformed(place)
  elseif kind == "*" then
    return after_anything(place)
  elseif char == 91 then
    return after_list(place, kind)
  end
  local is_message, is_map = byte(kind) == 62, byte(kind) == 123
  if char == 123 then
    if is_message then
      return after_object(place, sub(kind, 2))
    elseif is_map then
      return after_object(place, nil, sub(kind, 3))
    end
    refuse_field("INVALID_FIELD", "takes a value, not an object")
  end
  local rest = after_anything(place)
  if (is_message or is_map) and sub(text, place, rest - 1) ~= "null" then
    local inside = is_message and fields_of(sub(kind, 2)) or "names of your own"
    refuse_field("INVALID_FIELD", "takes an object (with " .. inside .. ")")
  end
  return rest
end

local function check_body(body, message)
  text, depth = body, 0
  local place, char = next_byte(1)
  if char == nil then
    return
  end
  if message == "" then
    refuse("UNKNOWN_FIELD", "this call takes no body: its parameters stand in the path and the query")
  end
  if char ~= 123 then
    refuse("INVALID_REQUEST", "the request cannot be read: its body is not a JSON object")
  end
  place, char = next_byte(after_object(place, message))
  if char ~= nil then
    malformed(place)
  end
end

local function message_of(method, path)
  for _, call in ipairs(CALLS[method]) do
    if find(path, call[1]) then
      return call[2]
    end
  end
  refuse("UNKNOWN_PATH", "there is nothing at this path, or not for this HTTP method")
end

local STATUS = {UNKNOWN_PATH = {"404", 5}, UNKNOWN_FIELD = {"400", 3}, INVALID_FIELD = {"400", 3}, INVALID_REQUEST = {"400", 3}}
local INFO = '{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"%s","domain":"csms","metadata":{%s}}'
local VIOLATION = ',{"@type":"type.googleapis.com/google.rpc.BadRequest","fieldViolations":[{"field":"%s","description":"%s"}]}'

-- All texts in it are of printable ASCII without quotes, so nothing has to be escaped.
local function answer(request, problem)
  local status = STATUS[problem.reason] or {"500", 13}
  local metadata, violation = "", ""
  if problem.field ~= nil then
    metadata = '"field":"' .. problem.field .. '"'
    violation = VIOLATION:format(problem.field, problem.message)
  end
  local body = '{"code":' .. status[2] .. ',"message":"' .. problem.message .. '","details":['
    .. INFO:format(problem.reason, metadata) .. violation .. "]}"
  request:streamInfo():dynamicMetadata():set("csms.body_fields", "refused", true)  -- spares it local_reply_config
  request:respond({[":status"] = status[1]}, body)
end

-- HTTP allows headers that gRPC does not: a name with other characters than these, a value that is not printable ASCII,
-- and a name for bytes with text. No service reads them, and gRPC would fail the call as a fault of its own.
local function drop_headers_that_grpc_refuses(headers)
  local refused = nil
  for name, value in pairs(headers) do
    if find(name, "[^%w_%-%.:]") or find(value, "[^ -~]") or sub(name, -4) == "-bin" then
      refused = refused or {}
      refused[#refused + 1] = name
    end
  end
  for _, name in ipairs(refused or {}) do
    headers:remove(name)
  end
end

function envoy_on_request(request)
  local headers = request:headers()
  drop_headers_that_grpc_refuses(headers)
  local method = headers:get(":method")
  if CALLS[method] == nil then
    return
  end
  local path = gsub(headers:get(":path"), "[?#].*$", "")
  local body = request:body()
  if body == nil or body:length() == 0 then
    return
  end
  local good, problem = pcall(function()
    check_body(body:getBytes(0, body:length()), message_of(method, path))
  end)
  text = ""
  if good then
    return
  end
  if type(problem) ~= "table" then
    request:logErr("body-fields.lua: " .. tostring(problem))
    problem = {reason = "INTERNAL", message = "the body could not be checked"}
  end
  answer(request, problem)
end

-- Gives the REST caller the field that google.api.http's response_body names: {"station": {...}} becomes {...}.
-- Runs only on the routes of such methods, after the transcoder, whose output has no spaces. Errors have another shape
-- and pass unchanged.
function envoy_on_response(response)
  local field = response:metadata():get("field")
  if field == nil or response:headers():get(":status") ~= "200" then
    return
  end
  local body = response:body()
  if body == nil then
    return
  end
  local text = body:getBytes(0, body:length())
  local opening = '{"' .. field .. '":'
  if text:sub(1, #opening + 1) == opening .. "{" then
    local length = body:setBytes(text:sub(#opening + 1, -2))
    response:headers():replace("content-length", tostring(length))
  end
end

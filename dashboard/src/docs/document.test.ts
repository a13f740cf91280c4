import { expect, test } from "vitest";

import source from "../../../gen/csms/openapi.json?raw";
import {
  byTag,
  calls,
  innerType,
  limitsText,
  matching,
  reasonsOf,
  resolveResponse,
  typeText,
  type ApiDocument,
} from "./document";
import { address, curl, headers, initial, isReadable, missing } from "./request";

const document = JSON.parse(source) as ApiDocument;
const all = calls(document);
const call = (id: string) => {
  const found = all.find((each) => each.operationId === id);
  if (!found) throw new Error(id);
  return found;
};

test("each call of the document belongs to a group", () => {
  const groups = byTag(document, all);
  expect(groups.flatMap(([, group]) => group)).toHaveLength(all.length);
  expect(all.length).toBeGreaterThan(130);
});

test("a search finds by path, name and permission", () => {
  expect(matching(all, "requeststart")).toEqual([call("CommandService_RequestStartTransaction")]);
  expect(matching(all, "get AUDIT_export")).toEqual([call("AuditService_ExportAuditEntries")]);
  expect(matching(all, "no such thing")).toEqual([]);
});

test("the errors of a call are its reasons", () => {
  const response = call("CommandService_RequestStartTransaction").responses["404"];
  expect(reasonsOf(resolveResponse(document, response ?? {}))).toEqual(["STATION_NOT_FOUND", "UNKNOWN_PATH"]);
});

test("types are named in a few words", () => {
  const fields = document.components.schemas["station.v1.ListStationsResponse"]?.properties ?? {};
  expect(typeText(document, fields.stations ?? {})).toBe("Station[]");
  expect(innerType(fields.stations ?? {})).toBe("station.v1.Station");
  expect(typeText(document, { type: "integer", format: "int32" })).toBe("integer (int32)");
  expect(limitsText({ minLength: 1, maxLength: 255 })).toBe("1–255");
  expect(limitsText({ maxItems: 50 })).toBe("≤ 50");
});

test("a call is filled with its example", () => {
  const list = call("StationService_ListStations");
  const filled = initial(list);
  expect(address(list, filled)).toBe(
    "/v1/stations?pageSize=50&filter=connected+%3D+true+AND+vendor_name+%3D+%22ACME%22",
  );
  const start = call("CommandService_RequestStartTransaction");
  const body = initial(start);
  expect(missing(start, body)).toEqual([]);
  expect(address(start, body)).toBe("/v1/stations/CP001:requestStart");
  expect(JSON.parse(body.body)).toMatchObject({ evse: { evseId: 1 } });
});

test("a value in the path is escaped, and needed", () => {
  const get = call("StationService_GetStation");
  expect(address(get, { parameters: { stationId: "a/b:c d" }, body: "" })).toBe("/v1/stations/a%2Fb%3Ac%20d");
  expect(missing(get, { parameters: {}, body: "" })).toEqual(["stationId"]);
});

test("a header parameter is sent as one", () => {
  const stream = call("EventService_StreamEvents");
  const filled = { parameters: { "Last-Event-ID": "17" }, body: "" };
  expect(address(stream, filled)).toBe("/v1/events:watch");
  expect(headers(stream, filled, { "x-api-key": "k" })).toEqual({ "x-api-key": "k", "Last-Event-ID": "17" });
});

test("the line of curl names the credential and does not show it", () => {
  const start = call("CommandService_DataTransfer");
  const line = curl("http://localhost:8080", start, initial(start), { kind: "token", secret: "very secret" }, false);
  expect(line).toContain('-H "authorization: Bearer $TOKEN"');
  expect(line).not.toContain("very secret");
  const body = { parameters: { stationId: "CP001" }, body: `{"data": "it's"}` };
  expect(curl("http://x", start, body, { kind: "session" }, false)).toContain(`-d '{"data": "it'\\''s"}'`);
});

test("a body that is no JSON is noticed", () => {
  expect([isReadable(""), isReadable("{}"), isReadable("{")]).toEqual([true, true, false]);
});

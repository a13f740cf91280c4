import { describe, expect, it } from "vitest";

import { CommandService } from "../stubs/csms/station/v1/command_service_pb";
import { StationService } from "../stubs/csms/station/v1/station_service_pb";
import { curlLine, grpcurlLine, restRequest } from "./lines";

const ORIGIN = "http://csms.example:8080";

describe("command lines", () => {
  it("put fields of the path into the path, encoded, and the rest into the body", () => {
    expect(restRequest(CommandService.method.reset, { stationId: "A/1 b", type: "RESET_TYPE_IMMEDIATE" })).toEqual({
      verb: "POST",
      path: "/v1/stations/A%2F1%20b:reset",
      body: { type: "RESET_TYPE_IMMEDIATE" },
    });
  });

  it("send a body that is one field, and its mask in the query", () => {
    const request = restRequest(StationService.method.updateStation, {
      station: { stationId: "A", displayName: "Yard" },
      updateMask: "displayName",
    });
    expect(request).toEqual({
      verb: "PATCH",
      path: "/v1/stations/A?updateMask=displayName",
      body: { displayName: "Yard" },
    });
  });

  it("send all of a GET in the query", () => {
    expect(restRequest(StationService.method.listStations, { filter: "connected = true", pageSize: 5 })?.path).toBe(
      "/v1/stations?filter=connected+%3D+true&pageSize=5",
    );
  });

  it("quote for a shell, and have no token", () => {
    const line = curlLine(CommandService.method.dataTransfer, { stationId: "A", vendorId: "it's" }, ORIGIN);
    expect(line).toBe(
      `curl -s -H "authorization: Bearer $TOKEN" -d '{"vendorId":"it'\\''s"}' 'http://csms.example:8080/v1/stations/A:dataTransfer'`,
    );
  });

  it("name the method in full for grpcurl", () => {
    expect(grpcurlLine(CommandService.method.clearCache, { stationId: "A" }, ORIGIN)).toBe(
      `grpcurl -plaintext -H "authorization: Bearer $TOKEN" -d '{"stationId":"A"}' csms.example:8080 csms.station.v1.CommandService/ClearCache`,
    );
  });

  it("exist for every command", () => {
    for (const method of CommandService.methods)
      expect(curlLine(method, { stationId: "A" }, ORIGIN)).toContain("/v1/stations/A:");
  });
});

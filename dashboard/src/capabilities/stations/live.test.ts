import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";

import { connectorsOf, connectorState, stationState } from "../../formats/states";
import type { LiveEvent } from "../../live/events";
import { ConnectorStatus, StationSchema, type Station } from "../../stubs/csms/station/v1/station_pb";
import { applyStationEvent } from "./live";

const station = create(StationSchema, {
  stationId: "A",
  connected: true,
  connection: { epoch: 7n },
  evses: [{ evseId: 1, connectors: [{ connectorId: 1, status: ConnectorStatus.AVAILABLE }] }],
});

function event(type: string, data: LiveEvent["data"] = {}): LiveEvent {
  return { id: "", cursor: "1", type, source: "station", stationId: "A", timeMs: 1_000, data, actor: "" };
}

function statesOf(changed: unknown): string[] {
  return connectorsOf(changed as Station).map(({ connector }) => connectorState(connector));
}

describe("events of stations", () => {
  it("change a connector's state", () => {
    const changed = applyStationEvent(
      station,
      event("station.status_changed", {
        evseId: 1,
        connectorId: 1,
        status: "CONNECTOR_STATUS_OCCUPIED",
        reportedStatus: "Charging",
      }),
    );
    expect(statesOf(changed)).toEqual(["charging"]);
    expect(statesOf(station)).toEqual(["available"]); // the row before is not changed in place
  });

  it("add a connector that was not known", () => {
    const changed = applyStationEvent(
      station,
      event("station.status_changed", {
        evseId: 2,
        connectorId: 1,
        status: "CONNECTOR_STATUS_FAULTED",
        reportedStatus: "Faulted",
      }),
    );
    expect(statesOf(changed)).toEqual(["available", "faulted"]);
    expect(stationState(changed as Station)).toBe("faulted");
  });

  it("take a station offline, but not at the end of an earlier connection", () => {
    expect((applyStationEvent(station, event("station.disconnected", { epoch: 7 })) as Station).connected).toBe(false);
    expect((applyStationEvent(station, event("station.disconnected", { epoch: 6 })) as Station).connected).toBe(true);
  });

  it("have a station read anew where they do not say enough", () => {
    expect(applyStationEvent(station, event("station.booted"))).toBe("reload");
    expect(applyStationEvent(undefined, event("station.created"))).toBe("reload");
  });

  it("leave alone what they do not concern", () => {
    expect(applyStationEvent(station, event("station.data_transferred"))).toBeUndefined();
    expect(applyStationEvent(undefined, event("station.booted"))).toBeUndefined();
  });
});

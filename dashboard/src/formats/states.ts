// The state of connectors and stations in the words of the marks. Pure.
import { ConnectorStatus, type Connector, type Evse, type Station } from "../stubs/csms/station/v1/station_pb";
import type { State } from "../ui/StateMark";

/** 2.x says no more than Occupied; 1.6 says Charging as well, in the station's own word. */
export function connectorState(connector: Pick<Connector, "status" | "reportedStatus">): State {
  switch (connector.status) {
    case ConnectorStatus.AVAILABLE:
      return "available";
    case ConnectorStatus.OCCUPIED:
      return connector.reportedStatus === "Charging" ? "charging" : "occupied";
    case ConnectorStatus.RESERVED:
      return "reserved";
    case ConnectorStatus.UNAVAILABLE:
      return "unavailable";
    case ConnectorStatus.FAULTED:
      return "faulted";
    default:
      return "unknown";
  }
}

export interface ConnectorPlace {
  evseId: number;
  connector: Connector;
}

/** The connectors where cars charge: without the entries for the station or an EVSE as a whole. */
export function connectorsOf(station: { evses: readonly Evse[] }): ConnectorPlace[] {
  return station.evses.flatMap((evse) =>
    evse.connectors
      .filter((connector) => evse.evseId > 0 && connector.connectorId > 0)
      .map((connector) => ({ evseId: evse.evseId, connector })),
  );
}

const WORST_FIRST: readonly State[] = ["faulted", "charging", "occupied", "reserved"];

/** The one state that stands for a station in a list. */
export function stationState(station: Pick<Station, "connected" | "evses">): State {
  if (!station.connected) return "offline";
  const states = connectorsOf(station).map(({ connector }) => connectorState(connector));
  const whole = station.evses.find((evse) => evse.evseId === 0)?.connectors[0];
  if (whole && connectorState(whole) === "faulted") return "faulted";
  for (const state of WORST_FIRST) if (states.includes(state)) return state;
  if (states.includes("available")) return "available";
  return states.includes("unavailable") ? "unavailable" : "unknown";
}

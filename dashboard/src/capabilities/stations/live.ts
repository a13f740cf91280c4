// The effect of events on a station: what the event says is applied, everything else is read anew. Pure.
import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";

import type { LiveEvent, LiveFilter } from "../../live";
import {
  ConnectorSchema,
  ConnectorStatus,
  EvseSchema,
  type Connector,
  type Evse,
  type Station,
} from "../../stubs/csms/station/v1/station_pb";

export const STATION_EVENTS: LiveFilter = { types: ["station."] };

/** Events that change nothing of what GetStation returns. */
const NO_CHANGE = new Set([
  "station.data_transferred",
  "station.security_event",
  "station.log_upload_changed",
  "station.firmware_update_changed",
  "station.firmware_publication_changed",
  "station.local_list_synced",
  "station.local_list_failed",
  "station.certificate_request",
]);

export function applyStationEvent(station: Station | undefined, event: LiveEvent): Station | "reload" | undefined {
  if (NO_CHANGE.has(event.type)) return undefined;
  if (!station) return event.type === "station.created" ? "reload" : undefined;
  switch (event.type) {
    case "station.disconnected":
      return disconnected(station, event);
    case "station.status_changed":
      return statusChanged(station, event);
    default:
      return "reload";
  }
}

function disconnected(station: Station, event: LiveEvent): Station {
  const { connection } = station;
  // The end of an earlier connection, which the station has replaced already.
  if (connection && Number(event.data.epoch) < Number(connection.epoch)) return station;
  return {
    ...station,
    connected: false,
    ...(connection ? { connection: { ...connection, disconnectTime: timestampFromMs(event.timeMs) } } : {}),
  };
}

function statusChanged(station: Station, event: LiveEvent): Station | "reload" {
  const { evseId, connectorId, status, reportedStatus, errorCode } = event.data;
  const number = statusNumber(status);
  if (typeof evseId !== "number" || typeof connectorId !== "number" || number === undefined) return "reload";
  const changed = create(ConnectorSchema, {
    connectorId,
    status: number,
    reportedStatus: typeof reportedStatus === "string" ? reportedStatus : "",
    errorCode: typeof errorCode === "string" ? errorCode : "",
    statusTime: timestampFromMs(event.timeMs),
  });
  return { ...station, evses: withConnector(station.evses, evseId, changed) };
}

function statusNumber(status: unknown): ConnectorStatus | undefined {
  const name = String(status).replace(/^CONNECTOR_STATUS_/, "");
  return ConnectorStatus[name as keyof typeof ConnectorStatus];
}

function withConnector(evses: readonly Evse[], evseId: number, changed: Connector): Evse[] {
  const known = evses.find((evse) => evse.evseId === evseId);
  const others = known?.connectors.filter((connector) => connector.connectorId !== changed.connectorId) ?? [];
  const connectors = [...others, changed].sort((a, b) => a.connectorId - b.connectorId);
  const evse = known ? { ...known, connectors } : create(EvseSchema, { evseId, connectors });
  return [...evses.filter((one) => one.evseId !== evseId), evse].sort((a, b) => a.evseId - b.evseId);
}

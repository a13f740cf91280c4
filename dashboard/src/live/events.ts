// An event of the mesh as tabs pass it on, and filters over such events.
import type { JsonObject } from "@bufbuild/protobuf";
import { timestampMs } from "@bufbuild/protobuf/wkt";

import type { Event } from "../stubs/csms/event/v1/event_service_pb";

export interface LiveEvent {
  id: string;
  /** Position in the stream; a decimal, since no JSON number holds all of them. */
  cursor: string;
  type: string;
  source: string;
  stationId: string;
  timeMs: number;
  data: JsonObject;
  actor: string;
}

export interface LiveFilter {
  /** Types, or beginnings of types that end in a dot: `station.`, `transaction.started`. All where absent. */
  types?: readonly string[];
  stationId?: string;
}

export function toLiveEvent(event: Event): LiveEvent {
  return {
    id: event.eventId,
    cursor: event.cursor.toString(),
    type: event.type,
    source: event.source,
    stationId: event.stationId,
    timeMs: event.eventTime ? timestampMs(event.eventTime) : Date.now(),
    data: event.data ?? {},
    actor: event.actor,
  };
}

export function matches(filter: LiveFilter, event: LiveEvent): boolean {
  if (filter.stationId !== undefined && event.stationId !== filter.stationId) return false;
  if (!filter.types) return true;
  return filter.types.some((type) => (type.endsWith(".") ? event.type.startsWith(type) : event.type === type));
}

/** A field of the event's data that is a text or a number, as text; empty where it is absent. */
export function dataText(event: LiveEvent, field: string): string {
  const value = event.data[field];
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}

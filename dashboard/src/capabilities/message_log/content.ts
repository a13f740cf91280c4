// The content of a frame: its payload, a summary in a few words, and the session that it belongs to. Pure.
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";

import type { Message } from "../../stubs/csms/station/v1/station_pb";
import { CALL, CALL_ERROR, type Exchange } from "./frames";

const MOST_FACTS = 4;
const MOST_LENGTH = 60;

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The elements of the frame's array; none where it cannot be read: it may be cut. */
function elementsOf(frame: Message): JsonValue[] {
  try {
    const read = JSON.parse(frame.payload) as JsonValue;
    return Array.isArray(read) ? read : [];
  } catch {
    return [];
  }
}

/** The payload: the last element of a CALL and a CALLRESULT. */
export function payloadOf(frame: Message | undefined): JsonObject {
  const last = frame && elementsOf(frame).at(-1);
  return isObject(last) ? last : {};
}

/** The frame as people read JSON; as it is where it cannot be read. */
export function prettyJson(frame: Message): string {
  const elements = elementsOf(frame);
  return elements.length > 0 ? JSON.stringify(elements, null, 2) : frame.payload;
}

/** Code and description of a CALLERROR. */
export function errorOf(frame: Message): string {
  const [, , code, description] = elementsOf(frame);
  return [code, description].filter((one): one is string => typeof one === "string" && one !== "").join(": ");
}

function shown(value: JsonValue | undefined): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > MOST_LENGTH ? `${text.slice(0, MOST_LENGTH)}…` : text;
}

/** The first plain values of an object and of those within it, as `name value`. */
function factsOf(payload: JsonObject): string[] {
  const facts: string[] = [];
  for (const [name, value] of Object.entries(payload)) {
    if (isObject(value)) facts.push(...factsOf(value));
    else if (Array.isArray(value)) facts.push(`${name} (${String(value.length)})`);
    else if (value !== null) facts.push(`${name} ${shown(value)}`);
  }
  return facts;
}

export interface Words {
  boot: (station: string, firmware: string) => string;
  status: (connector: string, status: string, error: string) => string;
  start: (connector: string, token: string) => string;
  stop: (transaction: string, reason: string) => string;
  meter: (connector: string, value: string) => string;
  authorize: (token: string) => string;
  event: (kind: string, transaction: string, trigger: string) => string;
  heartbeat: string;
  remoteStart: (connector: string, token: string) => string;
  remoteStop: (transaction: string) => string;
  reset: (kind: string) => string;
  unlock: (connector: string) => string;
}

function text(value: JsonValue | undefined): string {
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}

function inside(payload: JsonObject, name: string): JsonObject {
  const value = payload[name];
  return isObject(value) ? value : {};
}

/** The last sampled value of energy, or else of anything, of meter values in either version. */
function lastSample(payload: JsonObject): string {
  const list = payload.meterValue;
  const last = Array.isArray(list) ? list.at(-1) : undefined;
  const samples = isObject(last) && Array.isArray(last.sampledValue) ? last.sampledValue.filter(isObject) : [];
  const energy = (one: JsonObject) =>
    (one.measurand ?? "Energy.Active.Import.Register") === "Energy.Active.Import.Register";
  const sample = samples.find(energy) ?? samples[0];
  if (!sample) return "";
  const unit = text(sample.unit) || text(inside(sample, "unitOfMeasure").unit) || (energy(sample) ? "Wh" : "");
  return `${text(sample.value)} ${unit}`.trim();
}

const SENTENCES: Readonly<Record<string, (words: Words, payload: JsonObject) => string>> = {
  BootNotification: (words, payload) => {
    const station = inside(payload, "chargingStation");
    const name = [payload.chargePointVendor ?? station.vendorName, payload.chargePointModel ?? station.model];
    return words.boot(
      name.map(text).filter(Boolean).join(" "),
      text(payload.firmwareVersion ?? station.firmwareVersion),
    );
  },
  StatusNotification: (words, payload) =>
    words.status(placeOf(payload), text(payload.status ?? payload.connectorStatus), errorCode(payload)),
  StartTransaction: (words, payload) => words.start(text(payload.connectorId), text(payload.idTag)),
  StopTransaction: (words, payload) => words.stop(text(payload.transactionId), text(payload.reason)),
  MeterValues: (words, payload) => words.meter(placeOf(payload), lastSample(payload)),
  Authorize: (words, payload) => words.authorize(text(payload.idTag) || text(inside(payload, "idToken").idToken)),
  TransactionEvent: (words, payload) =>
    words.event(
      text(payload.eventType),
      text(inside(payload, "transactionInfo").transactionId),
      text(payload.triggerReason),
    ),
  Heartbeat: (words) => words.heartbeat,
  RemoteStartTransaction: (words, payload) => words.remoteStart(text(payload.connectorId), text(payload.idTag)),
  RequestStartTransaction: (words, payload) =>
    words.remoteStart(text(payload.evseId), text(inside(payload, "idToken").idToken)),
  RemoteStopTransaction: (words, payload) => words.remoteStop(text(payload.transactionId)),
  RequestStopTransaction: (words, payload) => words.remoteStop(text(payload.transactionId)),
  Reset: (words, payload) => words.reset(text(payload.type)),
  UnlockConnector: (words, payload) => words.unlock(placeOf(payload)),
};

function placeOf(payload: JsonObject): string {
  return [payload.evseId, payload.connectorId].map(text).filter(Boolean).join(".");
}

function errorCode(payload: JsonObject): string {
  const code = text(payload.errorCode);
  return code === "NoError" ? "" : code;
}

/** A frame in a few words: a sentence for the common requests, else its first values. */
export function summaryOf(frame: Message, action: string, words: Words): string {
  if (frame.messageType === CALL_ERROR) return errorOf(frame);
  const payload = payloadOf(frame);
  const sentence = frame.messageType === CALL ? SENTENCES[action]?.(words, payload) : undefined;
  return sentence ?? factsOf(payload).slice(0, MOST_FACTS).join(" · ");
}

/** The transaction that an exchange is about, by whichever of its frames names one; empty without any. */
export function transactionOf(exchange: Exchange): string {
  for (const frame of [exchange.request, exchange.answer]) {
    const payload = payloadOf(frame);
    const named = text(payload.transactionId) || text(inside(payload, "transactionInfo").transactionId);
    if (named && named !== "0" && named !== "-1") return named;
  }
  return "";
}

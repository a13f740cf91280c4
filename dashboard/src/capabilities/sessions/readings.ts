// The readings of a session, taken from its events for the chart: power, register, state of charge. Pure.
import { timestampMs, type Timestamp } from "@bufbuild/protobuf/wkt";

import { Measurand, MeasurandLocation, Phase, type SampledValue } from "../../stubs/csms/common/v1/meter_value_pb";
import type { RecordedTransactionEvent } from "../../stubs/csms/transaction/v1/transaction_service_pb";

export interface Point {
  timeMs: number;
  value: number;
}

export interface Readings {
  /** In W; where the station sent none, what the register shows between two readings. */
  power: readonly Point[];
  powerIsDerived: boolean;
  /** In Wh. */
  register: readonly Point[];
  /** In percent. */
  soc: readonly Point[];
}

type Kind = "power" | "register" | "soc";

const FACTORS: Readonly<Record<string, number>> = { "": 1, wh: 1, kwh: 1e3, mwh: 1e6, w: 1, kw: 1e3, percent: 1 };
/** The place of the measurement that counts, the first one first: no driver pays for losses on the way. */
const PLACES: readonly MeasurandLocation[] = [
  MeasurandLocation.OUTLET,
  MeasurandLocation.CABLE,
  MeasurandLocation.BODY,
  MeasurandLocation.INLET,
  MeasurandLocation.UPSTREAM,
  MeasurandLocation.EV,
];
const LINES = new Set([Phase.L1, Phase.L2, Phase.L3, Phase.L1_N, Phase.L2_N, Phase.L3_N]);

function kindOf(value: SampledValue): Kind | undefined {
  switch (value.measurand) {
    case Measurand.POWER_ACTIVE_IMPORT:
      return "power";
    case Measurand.ENERGY_ACTIVE_IMPORT_REGISTER:
      return "register";
    case Measurand.UNSPECIFIED:
      // OCPP's default, unless the station used a word of its own.
      return value.rawWords.includes("measurand=") ? undefined : "register";
    case Measurand.SOC:
      return "soc";
    default:
      return undefined;
  }
}

function numberOf(value: SampledValue): number | undefined {
  const factor = FACTORS[value.unit.toLowerCase()];
  const number = Number(value.value);
  if (factor === undefined || value.value.trim() === "" || !Number.isFinite(number)) return undefined;
  return number * 10 ** value.multiplier * factor;
}

function placeOf(value: SampledValue): number {
  const location = value.location === MeasurandLocation.UNSPECIFIED ? MeasurandLocation.OUTLET : value.location;
  return PLACES.indexOf(location);
}

/** The value of one moment: that of all phases together, else the sum of the three lines. */
function combined(values: readonly SampledValue[]): number | undefined {
  const whole = values.find((value) => value.phase === Phase.UNSPECIFIED);
  if (whole) return numberOf(whole);
  const lines = values.filter((value) => LINES.has(value.phase)).map(numberOf);
  const known = lines.filter((line) => line !== undefined);
  return known.length > 0 && known.length === lines.length ? known.reduce((sum, line) => sum + line, 0) : undefined;
}

function msOf(...times: readonly (Timestamp | undefined)[]): number | undefined {
  const first = times.find((time) => time !== undefined);
  return first && timestampMs(first);
}

/** The place whose readings are shown: the best one that any reading of this kind has. */
function bestPlace(events: readonly RecordedTransactionEvent[], kind: Kind): number {
  let best = Infinity;
  for (const { event } of events) {
    for (const { sampledValues } of event?.meterValues ?? []) {
      for (const value of sampledValues) if (kindOf(value) === kind) best = Math.min(best, placeOf(value));
    }
  }
  return best;
}

function series(events: readonly RecordedTransactionEvent[], kind: Kind): Point[] {
  const place = bestPlace(events, kind);
  const points = new Map<number, number>();
  for (const { event, receiveTime } of events) {
    for (const { sampleTime, sampledValues } of event?.meterValues ?? []) {
      const timeMs = msOf(sampleTime, event?.eventTime, receiveTime);
      const value = combined(sampledValues.filter((one) => kindOf(one) === kind && placeOf(one) === place));
      if (timeMs !== undefined && value !== undefined) points.set(timeMs, value);
    }
  }
  return [...points].map(([timeMs, value]) => ({ timeMs, value })).sort((a, b) => a.timeMs - b.timeMs);
}

/** Mean power between two readings of the register, at the time of the later one; none where the register falls. */
export function derivedPower(register: readonly Point[]): Point[] {
  const points: Point[] = [];
  for (const [index, { timeMs, value }] of register.entries()) {
    const before = register[index - 1];
    if (!before || value < before.value) continue;
    points.push({ timeMs, value: ((value - before.value) * 3_600_000) / (timeMs - before.timeMs) });
  }
  return points;
}

export function readingsOf(events: readonly RecordedTransactionEvent[]): Readings {
  const register = series(events, "register");
  const sent = series(events, "power");
  const powerIsDerived = sent.length < 2 && register.length >= 2;
  return {
    power: powerIsDerived ? derivedPower(register) : sent,
    powerIsDerived,
    register,
    soc: series(events, "soc"),
  };
}

/** A pause between readings that is longer than this is a gap: four times the usual one. */
export function gapOf(points: readonly Point[]): number {
  const pauses = points.slice(1).map((point, index) => point.timeMs - (points[index]?.timeMs ?? 0));
  if (pauses.length < 3) return Infinity;
  const middle = pauses.sort((a, b) => a - b)[Math.floor(pauses.length / 2)] ?? 0;
  return Math.max(4 * middle, 2_000);
}

/** The falls of a register by 1 Wh or more: the reading before, and the first one after. */
export function fallsOf(register: readonly Point[]): { before: Point; after: Point }[] {
  return register.slice(1).flatMap((after, index) => {
    const before = register[index];
    return before && before.value - after.value >= 1 ? [{ before, after }] : [];
  });
}

export interface Row {
  timeMs: number;
  power?: number;
  register?: number;
  soc?: number;
}

/** All readings as rows of a table, the newest first. */
export function rowsOf(readings: Readings): Row[] {
  const rows = new Map<number, Row>();
  for (const kind of ["power", "register", "soc"] as const) {
    for (const { timeMs, value } of readings[kind]) rows.set(timeMs, { ...rows.get(timeMs), timeMs, [kind]: value });
  }
  return [...rows.values()].sort((a, b) => b.timeMs - a.timeMs);
}

// Limits of charging profiles over a period, and the limit that applies. Pure.
import { timestampMs } from "@bufbuild/protobuf/wkt";

import type { ChartPoint } from "../../charts";
import {
  ChargingProfileKind,
  ChargingProfilePurpose,
  ChargingRateUnit,
  RecurrencyKind,
  type ChargingProfile,
  type ChargingSchedule,
} from "../../stubs/csms/station/v1/charging_profile_pb";

export interface Period {
  fromMs: number;
  toMs: number;
}

/** A limit from one moment until another. */
export interface Span extends Period {
  limit: number;
}

/** A profile at the EVSE that it is for; 0: the station as a whole. */
export interface Placed {
  evseId: number;
  profile: ChargingProfile;
}

const DAY_MS = 86_400_000;
const MOST_SPANS = 2_000;

/** The moments at which a schedule begins within a period; one that began before it included. */
function begins(
  profile: ChargingProfile,
  schedule: ChargingSchedule,
  period: Period,
): { begins: number[]; stepMs: number } {
  if (profile.kind === ChargingProfileKind.RELATIVE || profile.kind === ChargingProfileKind.DYNAMIC) {
    return { begins: [schedule.startTime ? timestampMs(schedule.startTime) : period.fromMs], stepMs: Infinity };
  }
  const first = schedule.startTime ?? profile.validFrom;
  const startMs = first ? timestampMs(first) : period.fromMs;
  if (profile.kind !== ChargingProfileKind.RECURRING) return { begins: [startMs], stepMs: Infinity };
  const stepMs = profile.recurrencyKind === RecurrencyKind.WEEKLY ? 7 * DAY_MS : DAY_MS;
  const found: number[] = [];
  for (let at = startMs + Math.floor((period.fromMs - startMs) / stepMs) * stepMs; at < period.toMs; at += stepMs) {
    found.push(at);
  }
  return { begins: found, stepMs };
}

/** The limits of a schedule of a profile within a period, one after the other. */
export function spansOf(profile: ChargingProfile, schedule: ChargingSchedule, period: Period): Span[] {
  const validFrom = profile.validFrom ? timestampMs(profile.validFrom) : -Infinity;
  const validTo = profile.validTo ? timestampMs(profile.validTo) : Infinity;
  const { begins: starts, stepMs } = begins(profile, schedule, period);
  const lastsMs = Math.min(stepMs, schedule.durationS === undefined ? Infinity : schedule.durationS * 1000);
  const spans = starts.flatMap((startMs) =>
    schedule.periods.map((one, index): Span => {
      const next = schedule.periods[index + 1];
      const endMs = next === undefined ? Infinity : startMs + next.startPeriodS * 1000;
      return {
        fromMs: Math.max(startMs + one.startPeriodS * 1000, validFrom, period.fromMs),
        toMs: Math.min(endMs, startMs + lastsMs, validTo, period.toMs),
        limit: one.limit,
      };
    }),
  );
  return spans.filter((span) => span.fromMs < span.toMs).slice(0, MOST_SPANS);
}

/** The spans as points of a stepped line, with a gap where nothing limits. */
export function pointsOf(spans: readonly Span[]): ChartPoint[] {
  const points: ChartPoint[] = [];
  for (const [index, span] of spans.entries()) {
    points.push({ timeMs: span.fromMs, value: span.limit });
    if (spans[index + 1]?.fromMs === span.toMs) continue;
    points.push({ timeMs: span.toMs, value: span.limit }, { timeMs: span.toMs + 1, value: null });
  }
  return points;
}

interface Limiting {
  evseId: number;
  profile: ChargingProfile;
  spans: Span[];
}

const OVER_DEFAULT = ChargingProfilePurpose.TX_PROFILE;
const DEFAULT = ChargingProfilePurpose.TX_DEFAULT_PROFILE;

/** Whether a profile applies over another of its purpose: by a higher level, then as one of an EVSE. */
function isOver(one: Limiting, other: Limiting): boolean {
  const levels = one.profile.stackLevel - other.profile.stackLevel;
  return levels > 0 || (levels === 0 && one.evseId > other.evseId);
}

function limitAt(limiting: readonly Limiting[], timeMs: number): number | undefined {
  const chosen = new Map<ChargingProfilePurpose, { of: Limiting; limit: number }>();
  for (const one of limiting) {
    const span = one.spans.find(({ fromMs, toMs }) => fromMs <= timeMs && timeMs < toMs);
    const present = chosen.get(one.profile.purpose);
    if (span && (!present || isOver(one, present.of))) chosen.set(one.profile.purpose, { of: one, limit: span.limit });
  }
  // The profile of a transaction takes the place of the default one; of all others the strictest applies.
  if (chosen.has(OVER_DEFAULT)) chosen.delete(DEFAULT);
  const limits = [...chosen.values()].map(({ limit }) => limit);
  return limits.length > 0 ? Math.min(...limits) : undefined;
}

/** The limit that applies over a period, of profiles with limits in one unit (OCPP 2.0.1 part 2, K; 1.6 3.13). */
export function effective(placed: readonly Placed[], unit: ChargingRateUnit, period: Period): Span[] {
  const limiting = placed.flatMap(({ evseId, profile }): Limiting[] => {
    // Of several schedules the vehicle chooses one: the first stands for them.
    const schedule = profile.schedules[0];
    if (schedule?.chargingRateUnit !== unit) return [];
    return [{ evseId, profile, spans: spansOf(profile, schedule, period) }];
  });
  const moments = limiting.flatMap(({ spans }) => spans.flatMap(({ fromMs, toMs }) => [fromMs, toMs]));
  const sorted = [...new Set(moments)].sort((a, b) => a - b);
  const found: Span[] = [];
  for (const [index, fromMs] of sorted.entries()) {
    const toMs = sorted[index + 1];
    const limit = toMs === undefined ? undefined : limitAt(limiting, fromMs);
    if (toMs === undefined || limit === undefined) continue;
    const last = found.at(-1);
    if (last?.limit === limit && last.toMs === fromMs) last.toMs = toMs;
    else found.push({ fromMs, toMs, limit });
  }
  return found;
}

/** The units that the limits of profiles are in. */
export function unitsOf(placed: readonly Placed[]): ChargingRateUnit[] {
  const units = placed.flatMap(({ profile }) => profile.schedules.map((schedule) => schedule.chargingRateUnit));
  return [...new Set(units)].filter((unit) => unit !== ChargingRateUnit.UNSPECIFIED).sort((a, b) => a - b);
}

/** Whether limits of a profile count from the begin of the charging, which is not known. */
export function isRelative(profile: ChargingProfile): boolean {
  return (
    profile.kind === ChargingProfileKind.RELATIVE &&
    profile.schedules.some((schedule) => schedule.startTime === undefined)
  );
}

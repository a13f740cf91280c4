// The energy of the present day beside that of the same weekday of earlier weeks. Pure.
import { timestampMs } from "@bufbuild/protobuf/wkt";

import { startOfDay, wallTime } from "../../formats/zones";
import type { EnergyRollup } from "../../stubs/csms/transaction/v1/energy_service_pb";

export const WEEKS = 4;
const HOUR_MS = 3_600_000;

export interface HourValue {
  startMs: number;
  wh: number;
}

export function toHours(rollups: readonly Pick<EnergyRollup, "startTime" | "energyWh">[]): HourValue[] {
  return rollups.flatMap(({ startTime, energyWh }) =>
    startTime ? [{ startMs: timestampMs(startTime), wh: energyWh }] : [],
  );
}

export interface Usual {
  /** Mean energy of each hour of the day. */
  byHour: readonly number[];
  /** Mean energy up to this time of day. */
  byNowWh: number;
  /** Number of earlier days that had any energy at all, and so count. */
  days: number;
}

/**
 * The means of the same weekday over the last weeks. A day before the first energy at all is not counted: the stations
 * were not there yet.
 */
export function usualDay(hours: readonly HourValue[], nowMs: number, zone: string): Usual {
  const first = Math.min(...hours.filter(({ wh }) => wh > 0).map(({ startMs }) => startMs));
  const starts = Array.from({ length: WEEKS }, (_, week) => startOfDay(nowMs, zone, -7 * (week + 1)));
  const days = starts.filter((start) => startOfDay(start, zone, 1) > first);
  const byHour = Array.from({ length: 24 }, () => 0);
  if (days.length === 0) return { byHour, byNowWh: 0, days: 0 };
  for (const start of days) {
    const end = startOfDay(start, zone, 1);
    for (const { startMs, wh } of hours) {
      if (startMs < start || startMs >= end) continue;
      const { hour } = wallTime(startMs, zone);
      byHour[hour] = (byHour[hour] ?? 0) + wh / days.length;
    }
  }
  const { hour, minute } = wallTime(nowMs, zone);
  const whole = byHour.slice(0, hour).reduce((sum, wh) => sum + wh, 0);
  return { byHour, byNowWh: whole + ((byHour[hour] ?? 0) * minute) / 60, days: days.length };
}

/** The mean power of each of the last 24 hours in W, the oldest first; 0 where nothing was delivered. */
export function powerByHour(hours: readonly HourValue[], nowMs: number): { timeMs: number; value: number }[] {
  const known = new Map(hours.map(({ startMs, wh }) => [startMs, wh]));
  const last = Math.floor(nowMs / HOUR_MS) * HOUR_MS;
  return Array.from({ length: 24 }, (_, index) => {
    const timeMs = last - (23 - index) * HOUR_MS;
    const passedMs = Math.min(HOUR_MS, Math.max(60_000, nowMs - timeMs));
    return { timeMs, value: ((known.get(timeMs) ?? 0) * HOUR_MS) / passedMs };
  });
}

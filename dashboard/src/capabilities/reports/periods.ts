// The period, the length of its parts and the zone of a report, as the URL has them. Pure.
import { readIsoDay, startOfDay, startOfMonth } from "../../formats/zones";
import { RollupGranularity, RollupGroup } from "../../stubs/csms/transaction/v1/energy_service_pb";

export const RANGES = ["today", "days7", "days30", "month", "lastMonth", "months12", "own"] as const;
export type Range = (typeof RANGES)[number];
export type Grain = "hour" | "day" | "month";
export type Group = "total" | "site" | "station" | "connector";

const DAY_MS = 86_400_000;
/** More parts than this make no chart that one can read. */
const MOST_HOURS = 32 * 24;

export const GRANULARITIES: Record<Grain, RollupGranularity> = {
  hour: RollupGranularity.HOUR,
  day: RollupGranularity.DAY,
  month: RollupGranularity.MONTH,
};
export const GROUPS: Record<Group, RollupGroup> = {
  total: RollupGroup.TOTAL,
  site: RollupGroup.TOTAL,
  station: RollupGroup.STATION,
  connector: RollupGroup.CONNECTOR,
};

export interface Span {
  startMs: number;
  endMs: number;
}

export function spanOf(range: Range, get: (name: string) => string, nowMs: number, zone: string): Span | undefined {
  const tomorrow = startOfDay(nowMs, zone, 1);
  switch (range) {
    case "today":
      return { startMs: startOfDay(nowMs, zone), endMs: tomorrow };
    case "days7":
      return { startMs: startOfDay(nowMs, zone, -6), endMs: tomorrow };
    case "days30":
      return { startMs: startOfDay(nowMs, zone, -29), endMs: tomorrow };
    case "month":
      return { startMs: startOfMonth(nowMs, zone), endMs: tomorrow };
    case "lastMonth":
      return { startMs: startOfMonth(nowMs, zone, -1), endMs: startOfMonth(nowMs, zone) };
    case "months12":
      return { startMs: startOfMonth(nowMs, zone, -11), endMs: tomorrow };
    case "own": {
      const startMs = readIsoDay(get("from"), zone);
      const endMs = readIsoDay(get("to"), zone, 1);
      return startMs !== undefined && endMs !== undefined && startMs < endMs ? { startMs, endMs } : undefined;
    }
  }
}

/** The parts that a period is usually shown in. */
export function usualGrain({ startMs, endMs }: Span): Grain {
  const days = (endMs - startMs) / DAY_MS;
  if (days <= 2.1) return "hour";
  return days <= 100 ? "day" : "month";
}

export function isTooFine({ startMs, endMs }: Span, grain: Grain): boolean {
  return grain === "hour" && (endMs - startMs) / 3_600_000 > MOST_HOURS;
}

/** The begins of all parts of a period: those without energy are left out of the answer. */
export function partsOf({ startMs, endMs }: Span, grain: Grain, zone: string): number[] {
  const parts: number[] = [];
  let at = grain === "month" ? startOfMonth(startMs, zone) : startMs;
  while (at < endMs) {
    parts.push(at);
    if (grain === "hour") at += 3_600_000;
    else at = grain === "day" ? startOfDay(at, zone, 1) : startOfMonth(at, zone, 1);
  }
  return parts;
}

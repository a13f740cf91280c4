// The stations of each site by their state, for the marks of the map. Pure.
import { stationState } from "../../formats/states";
import type { Site } from "../../stubs/csms/station/v1/site_pb";
import type { Station } from "../../stubs/csms/station/v1/station_pb";
import type { State } from "../../ui";

export type Counts = ReadonlyMap<State, number>;

export interface MappedSite {
  site: Site;
  latitude: number;
  longitude: number;
  counts: Counts;
  total: number;
}

/** The worst first: the state that a mark shows. */
export const WORST_FIRST: readonly State[] = [
  "faulted",
  "offline",
  "unavailable",
  "unknown",
  "reserved",
  "occupied",
  "charging",
  "available",
];

export function sum(counts: readonly Counts[]): Counts {
  const all = new Map<State, number>();
  for (const one of counts) for (const [state, count] of one) all.set(state, (all.get(state) ?? 0) + count);
  return all;
}

export function totalOf(counts: Counts): number {
  return [...counts.values()].reduce((total, count) => total + count, 0);
}

export function worstOf(counts: Counts): State | undefined {
  return WORST_FIRST.find((state) => (counts.get(state) ?? 0) > 0);
}

/**
 * The sites that have coordinates, each with the stations of its parts: those that stand in a part with coordinates of
 * its own count there, and in a part without them at the nearest site above that has some.
 */
export function mappedSites(sites: readonly Site[], stations: readonly Station[]): MappedSite[] {
  const placed = new Map(sites.filter((site) => site.coordinates).map((site) => [site.siteId, site]));
  const markOf = new Map(sites.map((site) => [site.siteId, site.path.findLast((siteId) => placed.has(siteId))]));
  const counts = new Map<string, Map<State, number>>();
  for (const station of stations) {
    const mark = markOf.get(station.siteId);
    if (mark === undefined) continue;
    const own = counts.get(mark) ?? new Map<State, number>();
    const state = stationState(station);
    counts.set(mark, own.set(state, (own.get(state) ?? 0) + 1));
  }
  return [...placed.values()].map((site) => {
    const own = counts.get(site.siteId) ?? new Map<State, number>();
    const { latitude, longitude } = site.coordinates ?? { latitude: 0, longitude: 0 };
    return { site, latitude, longitude, counts: own, total: totalOf(own) };
  });
}

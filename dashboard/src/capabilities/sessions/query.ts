// The filters of the list, in the URL, and the AIP-160 text that they make. Pure but for the present day.
import { readIsoDay, startOfDay } from "../../formats/zones";
import { allOf, beginsWith, quoted, type Filter } from "../../tables/filters";
import { ENERGY_FLAGS, SESSION_FLAGS } from "./findings";
import type { SessionText } from "./text";

export const OWN_PERIOD = "own";

function since(ms: number): string {
  return `start_time >= "${new Date(ms).toISOString()}"`;
}

function periodClause(period: string, nowMs: number, zone: string): string {
  const days = { today: 0, days7: -6, days30: -29 }[period];
  return days === undefined ? "" : since(startOfDay(nowMs, zone, days));
}

/** The clause of what is typed: station, tag, and the days from and to. */
export function typedClause(get: (name: string) => string, zone: string): string {
  const station = get("station").trim();
  const token = get("token").trim();
  const own = get("period") === OWN_PERIOD;
  const from = own ? readIsoDay(get("from"), zone) : undefined;
  const to = own ? readIsoDay(get("to"), zone, 1) : undefined;
  return allOf(
    station ? beginsWith("station_id", station) : "",
    token ? `id_token = ${quoted(token)}` : "",
    from === undefined ? "" : since(from),
    to === undefined ? "" : `start_time < "${new Date(to).toISOString()}"`,
  );
}

export function sessionFilters(
  t: SessionText,
  sites: readonly { id: string; label: string }[],
  nowMs: number,
  zone: string,
): Filter[] {
  const flags = [...ENERGY_FLAGS, ...SESSION_FLAGS];
  const names = t.flagNames as Readonly<Record<string, string>>;
  return [
    {
      id: "state",
      label: t.state,
      options: [
        { id: "ACTIVE", label: t.active },
        { id: "HANGING", label: t.hanging },
        { id: "ENDED", label: t.ended },
      ],
      clause: (value) => (value === "HANGING" ? "hanging = true" : `state = "${value}"`),
    },
    {
      id: "period",
      label: t.period,
      options: [
        { id: "today", label: t.today },
        { id: "days7", label: t.days7 },
        { id: "days30", label: t.days30 },
        { id: OWN_PERIOD, label: t.own },
      ],
      clause: (value) => periodClause(value, nowMs, zone),
    },
    {
      id: "flag",
      label: t.doubtedFilter,
      options: flags.map((flag) => ({ id: flag, label: names[flag] ?? flag })),
      clause: (value) => `flags:"${value}"`,
    },
    ...(sites.length > 0
      ? [{ id: "site", label: t.site, options: sites, clause: (value: string) => `site:${quoted(value)}` }]
      : []),
  ];
}

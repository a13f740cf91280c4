// Charging profiles as stepped lines over time, with the limit that applies.
import { useQuery } from "@connectrpc/connect-query";
import { useState, type ReactNode } from "react";

import { LineChart, type ChartPoint, type ChartSeries } from "../../charts";
import { enumLabel } from "../../forms";
import { ChargingProfilePurposeSchema, ChargingRateUnit } from "../../stubs/csms/station/v1/charging_profile_pb";
import {
  ChargingProfileService,
  type StationChargingProfile,
} from "../../stubs/csms/station/v1/charging_profile_service_pb";
import { ErrorState, Section, Select, Skeleton, useUrlParameter } from "../../ui";
import styles from "./LimitsChart.module.css";
import { effective, isRelative, pointsOf, spansOf, unitsOf, type Period, type Placed } from "./limits";
import { useText, type Text } from "./text";

const HOUR_MS = 3_600_000;
const PURPOSES = new Map<number, string>(ChargingProfilePurposeSchema.values.map(({ number, name }) => [number, name]));
const DAYS: Readonly<Record<string, number>> = { day: 1, week: 7 };
const DASHES: readonly (readonly number[])[] = [
  [6, 4],
  [2, 3],
  [10, 3, 2, 3],
  [4, 2],
];

function placedOf(rows: readonly StationChargingProfile[]): Placed[] {
  return rows.flatMap((row) => (row.chargingProfile ? [{ evseId: row.evseId, profile: row.chargingProfile }] : []));
}

function unitName(unit: ChargingRateUnit): string {
  return unit === ChargingRateUnit.AMPERES ? "A" : "kW";
}

/** Points in the unit that people read: kilowatts, or amperes. */
function scaled(points: readonly ChartPoint[], unit: ChargingRateUnit): ChartPoint[] {
  if (unit === ChargingRateUnit.AMPERES) return [...points];
  return points.map(({ timeMs, value }) => ({ timeMs, value: value === null ? null : value / 1000 }));
}

function seriesOf(t: Text, placed: readonly Placed[], unit: ChargingRateUnit, period: Period): ChartSeries[] {
  const shared = { unit: unitName(unit), digits: 1, stepped: true };
  const lines = placed.flatMap(({ profile }) =>
    profile.schedules
      .filter((schedule) => schedule.chargingRateUnit === unit)
      .map((schedule) => {
        const name = enumLabel(ChargingProfilePurposeSchema, PURPOSES.get(profile.purpose) ?? "");
        const label = t.profileName(name, String(profile.chargingProfileId), profile.stackLevel);
        const points = scaled(pointsOf(spansOf(profile, schedule, period)), unit);
        return { label, points, direct: t.shortName(String(profile.chargingProfileId), profile.stackLevel) };
      }),
  );
  return lines
    .filter(({ points }) => points.length > 0)
    .map((line, index) => ({ ...shared, ...line, color: "--text-2", dash: DASHES[index % DASHES.length] ?? [] }));
}

function usePeriod(): { period: Period; choice: ReactNode } {
  const t = useText();
  const [range, setRange] = useUrlParameter("profiles.range", "day");
  // From the present hour on, as of the moment at which the chart was opened.
  const [fromMs] = useState(() => Math.floor(Date.now() / HOUR_MS) * HOUR_MS);
  const days = DAYS[range] ?? 1;
  const period = { fromMs, toMs: fromMs + days * 24 * HOUR_MS };
  const options = [
    { id: "day", label: t.rangeDay },
    { id: "week", label: t.rangeWeek },
  ];
  const choice = <Select label={t.range} hideLabel options={options} value={range} onChange={setRange} />;
  return { period, choice };
}

/** The limits of one profile. */
export function ProfileChart(props: { profile: StationChargingProfile }): ReactNode {
  const t = useText();
  const { period, choice } = usePeriod();
  const { profile } = props;
  const placed = placedOf([profile]);
  const charts = unitsOf(placed).map((unit) => ({ unit, series: seriesOf(t, placed, unit, period) }));
  const drawn = charts.filter(({ series }) => series.length > 0);
  return (
    <div className={styles.charts}>
      <div className={styles.tools}>{choice}</div>
      {drawn.map(({ unit, series }) => (
        <LineChart key={unit} label={t.limitsIn(unitName(unit))} series={series} />
      ))}
      {drawn.length === 0 && <p className={styles.note}>{t.noneInRange}</p>}
      {profile.chargingProfile && isRelative(profile.chargingProfile) && <p className={styles.note}>{t.assumed}</p>}
    </div>
  );
}

/** A chart of each unit: the limit that applies at an EVSE, and the profiles that it follows from. */
function stationCharts(t: Text, rows: readonly StationChargingProfile[], evseId: number, period: Period) {
  const placed = placedOf(rows.filter((row) => row.evseId === evseId || row.evseId === 0));
  return unitsOf(placed).flatMap((unit) => {
    const spans = effective(placed, unit, period);
    if (spans.length === 0) return [];
    const applies: ChartSeries = {
      label: t.effective,
      unit: unitName(unit),
      digits: 1,
      stepped: true,
      color: "--accent",
      width: 3,
      points: scaled(pointsOf(spans), unit),
    };
    return [{ unit, series: [applies, ...seriesOf(t, placed, unit, period)] }];
  });
}

/** The EVSEs that profiles are for. */
function evsesOf(rows: readonly StationChargingProfile[]): number[] {
  return Array.from(new Set(rows.map((row) => row.evseId))).sort((a, b) => a - b);
}

/** The profiles that a station holds, and the limit that follows from them at an EVSE. */
export function StationLimits(props: { stationId: string }): ReactNode {
  const request = { stationId: props.stationId, filter: 'state = "ACTIVE"', pageSize: 200 };
  const { data, error, refetch } = useQuery(ChargingProfileService.method.listChargingProfiles, request);
  if (error) return <ErrorState error={error} onRetry={() => void refetch()} />;
  return data ? <LimitsOf rows={data.chargingProfiles} /> : <Skeleton lines={4} />;
}

function LimitsOf(props: { rows: readonly StationChargingProfile[] }) {
  const t = useText();
  const { rows } = props;
  const { period, choice } = usePeriod();
  const [asked, setEvse] = useUrlParameter("profiles.evse", "");
  const evses = evsesOf(rows);
  const chosen = evses.find((id) => String(id) === asked) ?? evses.at(-1) ?? 0;
  const charts = stationCharts(t, rows, chosen, period);
  const options = evses.map((id) => ({ id: String(id), label: id === 0 ? t.whole : `EVSE ${String(id)}` }));
  const actions = (
    <>
      {evses.length > 1 && (
        <Select label={t.evseChoice} hideLabel options={options} value={String(chosen)} onChange={setEvse} />
      )}
      {choice}
    </>
  );
  return (
    <Section title={t.limits} actions={actions}>
      <div className={styles.charts}>
        {charts.map(({ unit, series }) => (
          <LineChart key={unit} label={t.limitsIn(unitName(unit))} series={series} />
        ))}
        {charts.length === 0 && <p className={styles.note}>{t.noLimits}</p>}
        {rows.some((row) => row.chargingProfile && isRelative(row.chargingProfile)) && (
          <p className={styles.note}>{t.assumed}</p>
        )}
      </div>
    </Section>
  );
}

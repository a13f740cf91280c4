// Beside the list: connectors by state, power, sessions and energy now.
import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { useQuery } from "@connectrpc/connect-query";
import { lazy, memo, Suspense, useMemo } from "react";

import { usePermissions } from "../../api/permissions";
import { BarChart, type BarPeriod } from "../../charts/BarChart";
import { StateBar, type StateCount } from "../../charts/StateBar";
import { useFormats, useNow } from "../../formats";
import { isoInZone, startOfDay, viewerZone, wallTime } from "../../formats/zones";
import { localeOf, useLanguage } from "../../i18n/catalogue";
import { useLiveInvalidation } from "../../live";
import { ConnectorStatus } from "../../stubs/csms/station/v1/station_pb";
import { StationService, type StationSummary } from "../../stubs/csms/station/v1/station_service_pb";
import { EnergyService, RollupGranularity, RollupGroup } from "../../stubs/csms/transaction/v1/energy_service_pb";
import { TransactionService, type TransactionSummary } from "../../stubs/csms/transaction/v1/transaction_service_pb";
import { useScopeClause } from "../../tables/scope";
import { ErrorState, Figure, Link, Section, Skeleton, type State } from "../../ui";
import styles from "./hand.module.css";
import { useHandText } from "./text";
import { powerByHour, toHours, usualDay, WEEKS, type HourValue, type Usual } from "./usual";

// uPlot comes after the figures.
const LineChart = memo(lazy(() => import("../../charts/LineChart").then((module) => ({ default: module.LineChart }))));
const CURVE_PX = 150;

const STATES: readonly (readonly [ConnectorStatus, State])[] = [
  [ConnectorStatus.AVAILABLE, "available"],
  [ConnectorStatus.OCCUPIED, "occupied"],
  [ConnectorStatus.RESERVED, "reserved"],
  [ConnectorStatus.FAULTED, "faulted"],
  [ConnectorStatus.UNAVAILABLE, "unavailable"],
];

export function Overview() {
  const permissions = usePermissions();
  const seesSessions = permissions.can(TransactionService.method.getTransactionSummary);
  return (
    <aside className={styles.aside}>
      <Connectors />
      {seesSessions && <Sessions />}
    </aside>
  );
}

function countsOf(summary: StationSummary): StateCount[] {
  const known = new Set(STATES.map(([status]) => status));
  const connected = (wanted: (status: ConnectorStatus) => boolean) =>
    summary.connectors
      .filter(({ status }) => wanted(status))
      .reduce((sum, { connectedCount }) => sum + Number(connectedCount), 0);
  return [
    ...STATES.map(([status, state]) => ({ state, count: connected((one) => one === status) })),
    { state: "unknown", count: connected((one) => !known.has(one)) },
    {
      state: "offline",
      count: summary.connectors.reduce((sum, { disconnectedCount }) => sum + Number(disconnectedCount), 0),
    },
  ];
}

function Connectors() {
  const t = useHandText();
  const formats = useFormats();
  const filter = useScopeClause();
  const method = StationService.method.getStationSummary;
  useLiveInvalidation(
    {
      types: [
        "station.status_changed",
        "station.connected",
        "station.disconnected",
        "station.created",
        "station.deleted",
      ],
    },
    method,
  );
  const { data, error, refetch } = useQuery(method, { filter });
  const summary = data?.summary;
  const counts = summary && countsOf(summary);
  return (
    <Section title={t.connectors}>
      {error && !summary && <ErrorState inline error={error} onRetry={() => void refetch()} />}
      {!summary && !error && <Skeleton lines={2} />}
      {counts &&
        (counts.some(({ count }) => count > 0) ? (
          <StateBar label={t.connectorsByState} counts={counts} />
        ) : (
          <p className={styles.quiet}>{t.noConnectors}</p>
        ))}
      {summary && (
        <p className={styles.quiet}>
          <Link href="/stations">
            {t.stationCount(
              formats.number(Number(summary.connectedCount)),
              formats.number(Number(summary.stationCount)),
            )}
          </Link>
        </p>
      )}
    </Section>
  );
}

/** Hours of the weeks before this day: read once a day, since they hardly change. */
function useEarlierHours(today: number, zone: string): readonly HourValue[] | undefined {
  const filter = useScopeClause();
  const method = EnergyService.method.listEnergyRollups;
  const permitted = usePermissions().can(method);
  const { data } = useQuery(
    method,
    {
      filter,
      startTime: timestampFromMs(startOfDay(today, zone, -7 * WEEKS)),
      endTime: timestampFromMs(today),
      granularity: RollupGranularity.HOUR,
      group: RollupGroup.TOTAL,
      timeZone: zone,
      pageSize: 1000,
    },
    { enabled: permitted, staleTime: Infinity },
  );
  return useMemo(() => data && toHours(data.energyRollups), [data]);
}

function Sessions() {
  const filter = useScopeClause();
  const zone = viewerZone();
  const method = TransactionService.method.getTransactionSummary;
  useLiveInvalidation({ types: ["transaction."] }, method);
  const { data, error, refetch } = useQuery(method, { filter, timeZone: zone });
  const summary = data?.summary;
  if (summary) return <Figures summary={summary} zone={zone} />;
  return (
    <Section>
      {error ? <ErrorState inline error={error} onRetry={() => void refetch()} /> : <Skeleton lines={4} />}
    </Section>
  );
}

function Figures(props: { summary: TransactionSummary; zone: string }) {
  const t = useHandText();
  const formats = useFormats();
  const { summary, zone } = props;
  const now = useNow();
  const today = summary.dayStartTime ? timestampMs(summary.dayStartTime) : startOfDay(now, zone);
  const earlier = useEarlierHours(today, zone);
  const minute = Math.floor(now / 60_000) * 60_000;
  const todayHours = useMemo(() => toHours(summary.hours), [summary.hours]);
  const usual = useMemo(() => earlier && usualDay(earlier, minute, zone), [earlier, minute, zone]);
  const line = useMemo(
    () => [
      {
        label: t.power,
        unit: "kW",
        color: "--charging",
        points: powerByHour([...(earlier ?? []), ...todayHours], minute).map(({ timeMs, value }) => ({
          timeMs,
          value: value / 1000,
        })),
        stepped: true,
      },
    ],
    [earlier, todayHours, minute, t],
  );
  return (
    <>
      <Section>
        <div className={styles.figures}>
          <Figure
            label={t.powerNow}
            value={formats.kW(summary.powerW)}
            note={t.powerFrom(formats.number(Number(summary.powerCount)))}
          />
          <Figure
            label={t.sessionsNow}
            value={<Link href="/sessions?state=ACTIVE">{formats.number(Number(summary.activeCount))}</Link>}
            note={
              summary.hangingCount > 0n && (
                <Link href="/sessions?state=HANGING">{t.hangingNow(formats.number(Number(summary.hangingCount)))}</Link>
              )
            }
          />
        </div>
        <Suspense fallback={<div style={{ blockSize: CURVE_PX }} />}>
          <LineChart label={t.powerCurve} series={line} height={CURVE_PX} />
        </Suspense>
      </Section>
      <Energy summary={summary} today={today} hours={todayHours} usual={usual} zone={zone} />
    </>
  );
}

function weekday(ms: number, zone: string, locale: string): string {
  return new Intl.DateTimeFormat(locale, { weekday: "long", timeZone: zone }).format(ms);
}

function Energy(props: {
  summary: TransactionSummary;
  today: number;
  hours: readonly HourValue[];
  usual: Usual | undefined;
  zone: string;
}) {
  const t = useHandText();
  const formats = useFormats();
  const locale = localeOf(useLanguage());
  const { summary, today, hours, usual, zone } = props;
  const day = weekday(today, zone, locale);
  const byHour = new Map<number, number>();
  for (const { startMs, wh } of hours) {
    const { hour } = wallTime(startMs, zone);
    byHour.set(hour, (byHour.get(hour) ?? 0) + wh);
  }
  const hasUsual = usual !== undefined && usual.days > 0;
  const periods: BarPeriod[] = Array.from({ length: 24 }, (_, hour) => ({
    key: String(hour),
    label: String(hour),
    title: `${String(hour).padStart(2, "0")}:00–${String(hour + 1).padStart(2, "0")}:00`,
    values: [(byHour.get(hour) ?? 0) / 1000],
    ...(hasUsual ? { usual: (usual.byHour[hour] ?? 0) / 1000 } : {}),
  }));
  return (
    <Section>
      <Figure
        label={t.energyToday}
        value={<span title={isoInZone(today, zone)}>{formats.kWh(summary.energyWh)}</span>}
        note={hasUsual ? t.usualByNow(formats.kWh(usual.byNowWh), day) : usual && t.noUsual}
      />
      <BarChart
        label={t.energyByHour}
        unit="kWh"
        periods={periods}
        series={[{ label: t.energy, look: "main" }]}
        usualLabel={t.usual(day)}
        height={140}
      />
    </Section>
  );
}

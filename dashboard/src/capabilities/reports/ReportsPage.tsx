import { useState, type ReactNode } from "react";

import { readError } from "../../api/errors";
import { BarChart, type BarPeriod } from "../../charts/BarChart";
import { useFormats, useNow } from "../../formats";
import { csvText, saveCsv } from "../../formats/csv";
import { isoDay, isZone, startOfDay, viewerZone } from "../../formats/zones";
import { localeOf, useLanguage } from "../../i18n/catalogue";
import { useLiveInvalidation } from "../../live";
import { EnergyService, type ListEnergyRollupsResponse } from "../../stubs/csms/transaction/v1/energy_service_pb";
import {
  Button,
  EmptyState,
  ErrorState,
  Figure,
  Page,
  Section,
  Select,
  Skeleton,
  TextField,
  toast,
  useUrlState,
  type UrlState,
} from "../../ui";
import {
  measuresOf,
  periodText,
  reportCsvColumns,
  shortPeriodText,
  startMs,
  type MeasureName,
  type ReportRow,
} from "./measures";
import { isTooFine, partsOf, RANGES, spanOf, usualGrain, type Grain, type Group, type Range } from "./periods";
import styles from "./reports.module.css";
import { ReportTable } from "./ReportTable";
import { useReportText, type ReportText } from "./text";
import {
  readAllRows,
  useRequest,
  useRows,
  useSiteRows,
  useSites,
  useTotals,
  MOST_SITES,
  type ReportChoice,
  type RollupRequest,
} from "./useReport";

const SITE_ZONE = "sites";

/** The zone of the report; empty is that of the sites, which the server knows. */
function zoneOf(url: UrlState): string {
  const chosen = url.get("zone");
  if (chosen === SITE_ZONE) return "";
  return chosen && isZone(chosen) ? chosen : viewerZone();
}

function oneOf<T extends string>(value: string, choices: readonly T[], usual: T): T {
  return choices.find((choice) => choice === value) ?? usual;
}

export default function ReportsPage(): ReactNode {
  const t = useReportText();
  const url = useUrlState();
  const zone = zoneOf(url);
  const wallZone = zone || viewerZone();
  const today = startOfDay(useNow(), wallZone);
  const range = oneOf<Range>(url.get("range"), RANGES, "days30");
  const span = spanOf(range, url.get, today, wallZone);
  const grain = span && oneOf<Grain>(url.get("by"), ["hour", "day", "month"], usualGrain(span));
  const group = oneOf<Group>(url.get("rows"), ["total", "site", "station", "connector"], "total");
  const problem = !span || !grain ? t.wrongRange : isTooFine(span, grain) ? t.tooFine : undefined;
  return (
    <Page title={t.title}>
      <Choices url={url} range={range} grain={grain} group={group} />
      {problem || !span || !grain ? (
        <EmptyState title={problem ?? t.wrongRange} icon="calendar" />
      ) : (
        <Report choice={{ span, grain, group, zone, station: url.get("station").trim() }} />
      )}
    </Page>
  );
}

function Choices(props: { url: UrlState; range: Range; grain: Grain | undefined; group: Group }) {
  const t = useReportText();
  const { url } = props;
  const own = viewerZone();
  const zones = [...new Set(["UTC", "Europe/Berlin", "Europe/London", url.get("zone")])].filter(
    (zone) => zone && zone !== own && zone !== SITE_ZONE && isZone(zone),
  );
  const select = (name: string, label: string, value: string, options: readonly (readonly [string, string])[]) => (
    <Select
      label={label}
      className={styles.choice}
      value={value}
      options={options.map(([id, text]) => ({ id, label: text }))}
      onChange={(next) => {
        url.set({ [name]: next });
      }}
    />
  );
  const field = (name: string, label: string, type: "date" | "text") => (
    <TextField
      label={label}
      type={type}
      className={styles.choice}
      value={url.get(name)}
      onChange={(value) => {
        url.set({ [name]: value });
      }}
    />
  );
  return (
    <div className={styles.choices}>
      {select(
        "range",
        t.range,
        props.range,
        RANGES.map((range) => [range, t[range]]),
      )}
      {props.range === "own" && (
        <>
          {field("from", t.from, "date")}
          {field("to", t.to, "date")}
        </>
      )}
      {select("by", t.by, props.grain ?? "day", [
        ["hour", t.hour],
        ["day", t.day],
        ["month", t.monthUnit],
      ])}
      {select("rows", t.rows, props.group, [
        ["total", t.total],
        ["site", t.site],
        ["station", t.station],
        ["connector", t.connector],
      ])}
      {select("zone", t.zone, url.get("zone") || own, [
        [own, t.ownZone(own)],
        [SITE_ZONE, t.siteZone],
        ...zones.map((zone) => [zone, zone] as const),
      ])}
      {field("station", t.stationFilter, "text")}
    </div>
  );
}

function Report(props: { choice: ReportChoice }) {
  const { choice } = props;
  const request = useRequest(choice);
  useLiveInvalidation({ types: ["transaction.ended"] }, EnergyService.method.listEnergyRollups);
  const totals = useTotals(request);
  if (totals.error && !totals.data) return <ErrorState error={totals.error} onRetry={() => void totals.refetch()} />;
  if (!totals.data) return <Skeleton kind="cards" lines={4} />;
  return <Loaded choice={choice} request={request} totals={totals.data} />;
}

function Loaded(props: { choice: ReportChoice; request: RollupRequest; totals: ListEnergyRollupsResponse }) {
  const t = useReportText();
  const formats = useFormats();
  const { choice, request, totals } = props;
  const zone = totals.timeZone || choice.zone || "UTC";
  return (
    <>
      {totals.pendingCount > 0 && (
        <p role="status" className={styles.pending}>
          {t.pending(formats.number(totals.pendingCount))}
        </p>
      )}
      <Sums rows={totals.energyRollups} />
      {totals.energyRollups.length === 0 ? (
        <EmptyState title={t.emptyTitle} icon="report">
          <p>{t.emptyText}</p>
        </EmptyState>
      ) : (
        <>
          <Chart choice={choice} rows={totals.energyRollups} zone={zone} />
          {choice.group === "site" ? (
            <SiteRows choice={choice} request={request} zone={zone} />
          ) : (
            <PlainRows choice={choice} request={request} zone={zone} />
          )}
        </>
      )}
    </>
  );
}

function Sums(props: { rows: ListEnergyRollupsResponse["energyRollups"] }) {
  const t = useReportText();
  const formats = useFormats();
  const sum = (value: (row: ReportRow) => number) => props.rows.reduce((total, row) => total + value(row), 0);
  const doubted = sum(({ flaggedEnergyWh }) => flaggedEnergyWh);
  const peak = Math.max(0, ...props.rows.map(({ peakPowerW }) => peakPowerW));
  return (
    <div className={styles.figures}>
      <Figure
        label={t.energy}
        value={formats.kWh(sum(({ energyWh }) => energyWh))}
        note={doubted > 0 && t.reviewed(formats.kWh(doubted))}
      />
      <Figure label={t.sessions} value={formats.number(sum(({ startedCount }) => Number(startedCount)))} />
      <Figure label={t.peak} value={formats.kW(peak)} />
      <Figure label={t.charging} value={formats.duration(sum(({ chargingS }) => chargingS))} />
    </div>
  );
}

function Chart(props: { choice: ReportChoice; rows: ListEnergyRollupsResponse["energyRollups"]; zone: string }) {
  const t = useReportText();
  const locale = localeOf(useLanguage());
  const url = useUrlState();
  const { choice, rows, zone } = props;
  const measures = measuresOf(t);
  const name = oneOf<MeasureName>(url.get("measure"), Object.keys(measures) as MeasureName[], "energy");
  const measure = measures[name];
  const known = new Map(rows.map((row) => [startMs(row), row]));
  const parts = [...new Set([...partsOf(choice.span, choice.grain, zone), ...known.keys()])].sort((a, b) => a - b);
  const periods: BarPeriod[] = parts.map((ms) => {
    const row = known.get(ms);
    const value = row ? measure.value(row) : 0;
    const doubted = row && measure.doubted ? measure.doubted(row) : 0;
    return {
      key: String(ms),
      label: shortPeriodText(ms, choice.grain, locale, zone),
      title: periodText(ms, choice.grain, locale, zone),
      values: measure.doubted ? [value - doubted, doubted] : [value],
    };
  });
  return (
    <Section
      title={measure.label}
      actions={
        <Select
          label={t.measure}
          hideLabel
          className={styles.choice}
          value={name}
          options={Object.entries(measures).map(([id, one]) => ({ id, label: one.label }))}
          onChange={(next) => {
            url.set({ measure: next === "energy" ? undefined : next });
          }}
        />
      }
    >
      <BarChart
        label={measure.label}
        unit={measure.unit}
        digits={measure.digits}
        periods={periods}
        series={
          measure.doubted
            ? [
                { label: t.believed, look: "main" },
                { label: t.doubted, look: "doubted" },
              ]
            : [{ label: measure.label, look: "main" }]
        }
        height={240}
      />
      <p className={styles.note}>{t.zoneIs(zone)}</p>
    </Section>
  );
}

interface RowsProps {
  choice: ReportChoice;
  request: RollupRequest;
  zone: string;
}

function PlainRows(props: RowsProps) {
  const paged = useRows(props.request, false);
  return (
    <Rows
      {...props}
      rows={paged.rows}
      isLoading={paged.isLoading}
      error={paged.error}
      hasMore={paged.hasMore}
      isLoadingMore={paged.isLoadingMore}
      onMore={paged.loadMore}
      read={(onProgress) => readAllRows(props.request, onProgress)}
    />
  );
}

function SiteRows(props: RowsProps) {
  const t = useReportText();
  const formats = useFormats();
  const { sites, isCut, isKnown } = useSites(true);
  const { rows, isLoading, error } = useSiteRows(props.request, sites);
  if (isKnown && sites.length === 0) return <EmptyState title={t.noSites} icon="site" />;
  return (
    <>
      <Rows
        {...props}
        rows={rows}
        isLoading={isLoading || !isKnown}
        error={error}
        read={() => Promise.resolve({ rows, isCut: false })}
      />
      {isCut && <p className={styles.note}>{t.moreSites(formats.number(MOST_SITES))}</p>}
    </>
  );
}

function Rows(
  props: RowsProps & {
    rows: readonly ReportRow[];
    isLoading: boolean;
    error: unknown;
    hasMore?: boolean;
    isLoadingMore?: boolean;
    onMore?: () => void;
    read: (onProgress: (count: number) => void) => Promise<{ rows: ReportRow[]; isCut: boolean }>;
  },
) {
  const t = useReportText();
  const { choice, zone, rows } = props;
  return (
    <Section title={t.table} flush actions={<ExportButton read={props.read} zone={zone} choice={choice} />}>
      {props.error && rows.length === 0 ? (
        <ErrorState inline error={props.error} />
      ) : props.isLoading ? (
        <Skeleton kind="rows" lines={6} />
      ) : (
        <ReportTable
          rows={rows}
          choice={choice}
          zone={zone}
          hasMore={props.hasMore ?? false}
          isLoadingMore={props.isLoadingMore ?? false}
          onMore={props.onMore}
        />
      )}
    </Section>
  );
}

async function exported(
  props: {
    read: (onProgress: (count: number) => void) => Promise<{ rows: ReportRow[]; isCut: boolean }>;
    zone: string;
  },
  name: string,
  onProgress: (count: number) => void,
) {
  const { rows, isCut } = await props.read(onProgress);
  saveCsv(name, csvText(reportCsvColumns(props.zone), rows));
  return { count: rows.length, isCut };
}

function tell(t: ReportText, made: { count: number; isCut: boolean }, number: (value: number) => string): void {
  toast(made.isCut ? t.exportCut(number(made.count)) : t.exported(number(made.count)), made.isCut ? "neutral" : "good");
}

function ExportButton(props: {
  read: (onProgress: (count: number) => void) => Promise<{ rows: ReportRow[]; isCut: boolean }>;
  zone: string;
  choice: ReportChoice;
}) {
  const t = useReportText();
  const formats = useFormats();
  const [progress, setProgress] = useState<number>();
  const { span, grain, group } = props.choice;
  const name = `energy-${group}-by-${grain}-${isoDay(span.startMs, props.zone)}-${isoDay(span.endMs - 1, props.zone)}.csv`;
  const run = async () => {
    setProgress(0);
    try {
      tell(t, await exported(props, name, setProgress), (value) => formats.number(value));
    } catch (error) {
      toast(`${t.exportFailed}: ${readError(error).message}`, "bad");
    } finally {
      setProgress(undefined);
    }
  };
  return (
    <Button small icon="download" isPending={progress !== undefined} onPress={() => void run()}>
      {progress === undefined ? t.exportCsv : t.exporting(formats.number(progress))}
    </Button>
  );
}

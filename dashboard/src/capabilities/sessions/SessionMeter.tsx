// The meter of a session: power, register and state of charge as charts, and the same figures as a table beside them.
import { memo, useMemo } from "react";

import { LineChart as PlainLineChart, type ChartMark, type ChartPoint, type ChartSeries } from "../../charts";
import { useFormats } from "../../formats";
import type { RecordedTransactionEvent } from "../../stubs/csms/transaction/v1/transaction_service_pb";
import { DataTable, type Column } from "../../tables";
import { EmptyState, Section } from "../../ui";
import { marksOf } from "./marks";
import { fallsOf, gapOf, readingsOf, rowsOf, type Readings, type Row } from "./readings";
import styles from "./sessions.module.css";
import { useSessionText, type SessionText } from "./text";

// A chart is drawn anew with its properties alone, and not with each tick of a clock beside it.
const LineChart = memo(PlainLineChart);

function thousandths(points: Readings["power"]): { timeMs: number; value: number }[] {
  return points.map(({ timeMs, value }) => ({ timeMs, value: value / 1000 }));
}

/** The register without a line over its falls: nothing was delivered backwards. */
function brokenAtFalls(points: Readings["register"]): ChartPoint[] {
  const falls = new Set(fallsOf(points).map(({ after }) => after.timeMs));
  return thousandths(points).flatMap((point): ChartPoint[] =>
    falls.has(point.timeMs) ? [{ timeMs: point.timeMs - 1, value: null }, point] : [point],
  );
}

interface Charts {
  main: ChartSeries[];
  soc: ChartSeries[];
  gapMs: number;
  marks: ChartMark[];
}

function chartsOf(readings: Readings, events: readonly RecordedTransactionEvent[], t: SessionText): Charts {
  const power: ChartSeries = {
    label: readings.powerIsDerived ? t.derivedSeries : t.powerSeries,
    unit: "kW",
    color: "--charging",
    points: thousandths(readings.power),
    stepped: readings.powerIsDerived,
  };
  const register: ChartSeries = {
    label: t.registerSeries,
    unit: "kWh",
    color: "--text-2",
    points: brokenAtFalls(readings.register),
    digits: 2,
    secondAxis: true,
  };
  const soc: ChartSeries = { label: t.socSeries, unit: "%", color: "--available", points: readings.soc, digits: 0 };
  return {
    main: [...(readings.power.length > 0 ? [power] : []), ...(readings.register.length > 0 ? [register] : [])],
    soc: readings.soc.length > 1 ? [soc] : [],
    gapMs: gapOf(readings.power.length > readings.register.length ? readings.power : readings.register),
    marks: marksOf(events, readings.register, t),
  };
}

export function SessionMeter(props: {
  events: readonly RecordedTransactionEvent[];
  isPartial: boolean;
  isStale: boolean;
}) {
  const t = useSessionText();
  const { events } = props;
  const readings = useMemo(() => readingsOf(events), [events]);
  const charts = useMemo(() => chartsOf(readings, events, t), [readings, events, t]);
  const rows = useMemo(() => rowsOf(readings), [readings]);
  return (
    <Section title={t.curveTitle}>
      {rows.length === 0 ? (
        <EmptyState title={t.noReadings} icon="chart" />
      ) : (
        <div className={styles.meter}>
          <div className={styles.charts}>
            <LineChart label={t.curve} series={charts.main} marks={charts.marks} gapMs={charts.gapMs} height={280} />
            {charts.soc.length > 0 && (
              <LineChart label={t.socSeries} series={charts.soc} gapMs={charts.gapMs} height={140} />
            )}
            {props.isPartial && <p className={styles.note}>{t.partialReadings}</p>}
          </div>
          <div className={styles.readings}>
            <ReadingTable rows={rows} hasSoc={readings.soc.length > 0} isStale={props.isStale} />
          </div>
        </div>
      )}
    </Section>
  );
}

function ReadingTable(props: { rows: readonly Row[]; hasSoc: boolean; isStale: boolean }) {
  const t = useSessionText();
  const formats = useFormats();
  const columns: Column<Row>[] = [
    {
      id: "time",
      label: t.time,
      width: "minmax(100px, 1fr)",
      card: "head",
      cell: ({ timeMs }) => <time title={formats.dateTime(timeMs)}>{formats.clock(timeMs)}</time>,
    },
    {
      id: "power",
      label: t.power,
      width: "88px",
      align: "end",
      cell: ({ power }) => (power === undefined ? "–" : formats.kW(power)),
    },
    {
      id: "register",
      label: t.registerSeries,
      width: "112px",
      align: "end",
      cell: ({ register }) => (register === undefined ? "–" : formats.kWh(register)),
    },
    ...(props.hasSoc
      ? [
          {
            id: "soc",
            label: "SoC",
            width: "64px",
            align: "end" as const,
            cell: ({ soc }: Row) => (soc === undefined ? "–" : formats.percent(soc / 100)),
          },
        ]
      : []),
  ];
  return (
    <DataTable
      label={t.readings}
      columns={columns}
      rows={props.rows}
      rowKey={({ timeMs }) => String(timeMs)}
      compact
      maxRows={10}
      isStale={props.isStale}
    />
  );
}

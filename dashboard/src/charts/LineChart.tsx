// A chart of lines over time: uPlot, with the same figures as a table beside it.
import { useEffect, useRef, useState } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";

import type { Formats } from "../formats/formats";
import { useFormats } from "../formats/Time";
import { Button } from "../ui";
import styles from "./LineChart.module.css";
import { chartData, labelStart, tickDigits, timeTicks, type ChartPoint } from "./series";
import { useChartText } from "./text";

export interface ChartSeries {
  label: string;
  unit: string;
  /** Name of a variable of the theme: `--charging`. */
  color: string;
  points: readonly ChartPoint[];
  /** Digits after the point in the read-out and the table. */
  digits?: number;
  /** Beside the right edge, with an axis of its own. */
  secondAxis?: boolean;
  stepped?: boolean;
  /** Lengths of line and gap in pixels, where lines are told apart by more than their colour. */
  dash?: readonly number[];
  width?: number;
  /** Written at the begin of the line. */
  direct?: string;
}

export interface ChartMark {
  timeMs: number;
  label: string;
}

export interface LineChartProps {
  label: string;
  series: readonly ChartSeries[];
  marks?: readonly ChartMark[];
  height?: number;
  /** A pause longer than this is a gap: no line is drawn over it. */
  gapMs?: number;
}

function variable(element: Element, name: string): string {
  return getComputedStyle(element).getPropertyValue(name).trim();
}

/** The colour that a variable has in the present theme, as the canvas needs it. */
function colorOf(host: HTMLElement, name: string): string {
  const probe = document.createElement("span");
  probe.style.color = variable(host, name);
  host.append(probe);
  const color = getComputedStyle(probe).color;
  probe.remove();
  return color;
}

function optionsOf(host: HTMLElement, props: LineChartProps, formats: Formats, timeLabel: string): uPlot.Options {
  const format = (value: number, digits: number) => formats.number(value, digits);
  const grid = { stroke: colorOf(host, "--line"), width: 1 };
  const text = colorOf(host, "--text-2");
  const axis = (scale: string, unit: string, isRight: boolean): uPlot.Axis => ({
    scale,
    // The names of the sides are a constant enumeration of its types, which a module by itself cannot read.
    // eslint-disable-next-line @typescript-eslint/no-unsafe-enum-assignment -- a constant enumeration of its types
    side: isRight ? 1 : 3,
    stroke: text,
    grid: isRight ? { show: false } : grid,
    ticks: { show: false },
    size: 56,
    values: (_, ticks) => ticks.map((tick) => format(tick, tickDigits(ticks))),
    label: unit,
    labelSize: 16,
  });
  const scales = [...new Set(props.series.map((one) => (one.secondAxis ? "second" : "first")))];
  return {
    width: Math.max(200, host.clientWidth),
    height: props.height ?? 220,
    cursor: { points: { size: 6 } },
    legend: { live: true },
    scales: { x: { time: true } },
    axes: [
      {
        stroke: text,
        grid,
        ticks: { show: false },
        space: 80,
        values: (_, ticks, _axis, _space, step) => timeTicks(ticks, step, formats),
      },
      ...scales.map((scale) => {
        const unit = props.series.find((one) => Boolean(one.secondAxis) === (scale === "second"))?.unit ?? "";
        return axis(scale, unit, scale === "second");
      }),
    ],
    series: [
      { label: timeLabel, value: (_, time: number | null) => (time === null ? "–" : formats.dateTime(time * 1000)) },
      ...props.series.map((one): uPlot.Series => ({
        label: one.label,
        scale: one.secondAxis ? "second" : "first",
        stroke: colorOf(host, one.color),
        width: one.width ?? 1.5,
        ...(one.dash ? { dash: [...one.dash] } : {}),
        points: { show: false },
        value: (_, value: number | null) => (value === null ? "–" : `${format(value, one.digits ?? 1)} ${one.unit}`),
        ...(one.stepped && uPlot.paths.stepped ? { paths: uPlot.paths.stepped({ align: 1 }) } : {}),
      })),
    ],
    hooks: {
      draw: [
        (plot) => {
          drawMarks(plot, props.marks ?? [], text);
          drawLabels(plot, props.series, text);
        },
      ],
    },
  };
}

function drawMarks(plot: uPlot, marks: readonly ChartMark[], color: string): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.strokeStyle = color;
  ctx.fillStyle = color;
  ctx.setLineDash([3, 3]);
  ctx.font = `${String(11 * devicePixelRatio)}px system-ui`;
  for (const mark of marks) {
    const x = plot.valToPos(mark.timeMs / 1000, "x", true);
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    const edge = { left: bbox.left, right: bbox.left + bbox.width };
    const start = labelStart(x, ctx.measureText(mark.label).width, edge, 4 * devicePixelRatio);
    ctx.fillText(mark.label, start, bbox.top + 12 * devicePixelRatio);
  }
  ctx.restore();
}

/** Writes the labels of lines that have one, each above the first point of its line within the plot. */
function drawLabels(plot: uPlot, series: readonly ChartSeries[], color: string): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.fillStyle = color;
  ctx.font = `${String(11 * devicePixelRatio)}px system-ui`;
  for (const one of series) {
    const first = one.points.find((point) => point.value !== null);
    if (!one.direct || first?.value == null) continue;
    const x = plot.valToPos(first.timeMs / 1000, "x", true);
    const y = plot.valToPos(first.value, one.secondAxis ? "second" : "first", true);
    const room = bbox.left + bbox.width - ctx.measureText(one.direct).width - 4 * devicePixelRatio;
    ctx.fillText(one.direct, Math.max(bbox.left, Math.min(x + 4 * devicePixelRatio, room)), y - 5 * devicePixelRatio);
  }
  ctx.restore();
}

export function LineChart(props: LineChartProps) {
  const t = useChartText();
  const formats = useFormats();
  const host = useRef<HTMLDivElement>(null);
  const [asTable, setAsTable] = useState(false);
  useEffect(() => {
    const element = host.current;
    if (!element || asTable) return;
    const make = () =>
      new uPlot(
        optionsOf(element, props, formats, t.time),
        chartData(
          props.series.map((one) => one.points),
          props.gapMs,
        ),
        element,
      );
    let plot = make();
    const resize = new ResizeObserver(() => {
      plot.setSize({ width: Math.max(200, element.clientWidth), height: props.height ?? 220 });
    });
    resize.observe(element);
    const retheme = () => {
      plot.destroy();
      plot = make();
    };
    const theme = new MutationObserver(retheme);
    theme.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    const dark = globalThis.matchMedia("(prefers-color-scheme: dark)");
    dark.addEventListener("change", retheme);
    return () => {
      resize.disconnect();
      theme.disconnect();
      dark.removeEventListener("change", retheme);
      plot.destroy();
    };
  }, [props, asTable, formats, t.time]);
  return (
    <figure className={styles.figure}>
      <figcaption className={styles.caption}>
        <span>{props.label}</span>
        <Button
          small
          kind="quiet"
          icon={asTable ? "chart" : "list"}
          onPress={() => {
            setAsTable(!asTable);
          }}
        >
          {asTable ? t.asChart : t.asTable}
        </Button>
      </figcaption>
      {asTable ? (
        <ChartTable {...props} />
      ) : (
        <div ref={host} role="img" aria-label={t.described(props.label)} className={styles.host} />
      )}
    </figure>
  );
}

/** The figures of the chart; the first thousand, since more are for an export. */
function ChartTable(props: LineChartProps) {
  const t = useChartText();
  const formats = useFormats();
  const [times, ...columns] = chartData(props.series.map((one) => one.points));
  return (
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what scrolls must be reachable by keyboard
    <div className={styles.tableBox} tabIndex={0} role="region" aria-label={props.label}>
      <table className={styles.table}>
        <thead>
          <tr>
            <th scope="col">{t.time}</th>
            {props.series.map((one) => (
              <th key={one.label} scope="col">{`${one.label} (${one.unit})`}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {[...times].slice(0, 1000).map((time, row) => (
            <tr key={time}>
              <td>{formats.dateTime(time * 1000)}</td>
              {props.series.map((one, column) => {
                const value = columns[column]?.[row];
                return <td key={one.label}>{value == null ? "–" : formats.number(value, one.digits ?? 1)}</td>;
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

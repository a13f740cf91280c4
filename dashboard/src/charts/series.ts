// Points of several series as the columns that uPlot takes. Pure.
import type { Formats } from "../formats/formats";

import type { AlignedData } from "uplot";

export interface ChartPoint {
  timeMs: number;
  /** Null: there is no value, and the line has a gap. */
  value: number | null;
}

/**
 * One column of times in seconds, and one of values for each series. Between two points of a series that are further
 * apart than `gapMs` a point without a value is put, so that no line goes over the gap; a time at which only other
 * series have a value is no gap.
 */
export function chartData(series: readonly (readonly ChartPoint[])[], gapMs = Infinity): AlignedData {
  const columns = series.map((points) => withGaps(points, gapMs));
  const times = [...new Set(columns.flatMap((column) => [...column.keys()]))].sort((a, b) => a - b);
  // uPlot draws a line over undefined, and none over null.
  const values = columns.map((column) => times.map((time) => column.get(time)));
  return [times.map((time) => time / 1000), ...values];
}

function withGaps(points: readonly ChartPoint[], gapMs: number): Map<number, number | null> {
  const column = new Map<number, number | null>();
  let lastMs: number | undefined;
  for (const { timeMs, value } of points) {
    if (lastMs !== undefined && timeMs - lastMs > gapMs) column.set(lastMs + 1, null);
    column.set(timeMs, value);
    lastMs = timeMs;
  }
  return column;
}

/** Digits after the point that tell the ticks of an axis apart: 0.5 and 1 are not both 1. */
export function tickDigits(ticks: readonly number[]): number {
  const digits = [0, 1, 2].find((one) => ticks.every((tick) => Math.abs(tick - Number(tick.toFixed(one))) < 1e-6));
  return digits ?? 3;
}

const MINUTE_S = 60;
const DAY_S = 86_400;

/**
 * The labels of an axis of times, in the person's language: hours and minutes, with seconds where the steps are shorter
 * than a minute, and the date below the first of them and where a day begins; dates alone where the steps are days.
 * Times are in seconds since 1970.
 */
export function timeTicks(
  ticks: readonly number[],
  stepS: number,
  formats: Pick<Formats, "time" | "clock" | "date">,
): string[] {
  if (stepS >= DAY_S) return ticks.map((tick) => formats.date(tick * 1000));
  let before = "";
  return ticks.map((tick) => {
    const time = stepS < MINUTE_S ? formats.clock(tick * 1000) : formats.time(tick * 1000);
    const date = formats.date(tick * 1000);
    const isNew = date !== before;
    before = date;
    return isNew ? `${time}\n${date}` : time;
  });
}

/**
 * Where the label of a mark begins: beside its line, to the left of it where the right edge of the plot leaves no room.
 * All in pixels.
 */
export function labelStart(x: number, width: number, edge: { left: number; right: number }, gap: number): number {
  if (x + gap + width <= edge.right) return x + gap;
  return Math.max(edge.left, x - gap - width);
}

import { describe, expect, it } from "vitest";

import { makeFormats } from "../formats/formats";

import { chartData, labelStart, tickDigits, timeTicks } from "./series";

describe("data of charts", () => {
  it("has one column of times for all series; a time of another series is no gap", () => {
    const data = chartData([
      [
        { timeMs: 1_000, value: 1 },
        { timeMs: 3_000, value: 3 },
      ],
      [{ timeMs: 2_000, value: 20 }],
    ]);
    expect(data).toEqual([
      [1, 2, 3],
      [1, undefined, 3],
      [undefined, 20, undefined],
    ]);
  });

  it("has a gap where a pause is too long, so that no line goes over it", () => {
    const [times, values] = chartData(
      [
        [
          { timeMs: 0, value: 1 },
          { timeMs: 60_000, value: 2 },
        ],
      ],
      30_000,
    );
    expect(times).toEqual([0, 0.001, 60]);
    expect(values).toEqual([1, null, 2]);
  });
});

describe("tickDigits", () => {
  it("has as many digits as tell ticks apart", () => {
    expect([[0, 5, 10], [0, 2.5, 5], [545.25, 545.5], []].map(tickDigits)).toEqual([0, 1, 2, 0]);
  });
});

describe("times of an axis", () => {
  const german = makeFormats("de", "Europe/Berlin");
  const midnight = Date.UTC(2026, 10, 30, 23) / 1000; // of the first of December in Berlin

  it("are in the person's language, with the date where a day begins", () => {
    const ticks = [-2, -1, 0, 1].map((hours) => midnight + hours * 3600);
    expect(timeTicks(ticks, 3600, german)).toEqual(["22:00\n30.11.2026", "23:00", "00:00\n01.12.2026", "01:00"]);
  });

  it("have seconds where the steps are shorter than a minute, so that no two are the same", () => {
    const labels = timeTicks([midnight, midnight + 15, midnight + 30], 15, german);
    expect(labels).toEqual(["00:00:00\n01.12.2026", "00:00:15", "00:00:30"]);
  });

  it("are dates where the steps are days", () => {
    expect(timeTicks([midnight, midnight + 86_400], 86_400, german)).toEqual(["01.12.2026", "02.12.2026"]);
  });
});

describe("the label of a mark", () => {
  const edge = { left: 50, right: 550 };

  it("stands to the right of its line", () => {
    expect(labelStart(50, 100, edge, 4)).toBe(54);
  });

  it("stands to the left of a line near the right edge, where the axis is", () => {
    expect(labelStart(550, 30, edge, 4)).toBe(516);
  });

  it("begins within the plot where neither side has room", () => {
    expect(labelStart(300, 600, edge, 4)).toBe(50);
  });
});

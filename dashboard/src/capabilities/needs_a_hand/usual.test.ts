import { describe, expect, it } from "vitest";

import { powerByHour, usualDay } from "./usual";

const hour = (text: string, wh: number) => ({ startMs: Date.parse(text), wh });
const now = Date.parse("2026-12-01T10:30:00Z"); // a Tuesday

describe("usualDay", () => {
  it("is the mean of the same weekday, up to the same time of day", () => {
    const hours = [
      hour("2026-11-24T09:00:00Z", 4000),
      hour("2026-11-24T10:00:00Z", 2000),
      hour("2026-11-24T18:00:00Z", 9000),
      hour("2026-11-17T09:00:00Z", 2000),
      hour("2026-11-30T09:00:00Z", 70_000), // a Monday
      hour("2026-11-03T08:00:00Z", 0),
    ];
    const usual = usualDay(hours, now, "UTC");
    expect(usual.days).toBe(2);
    expect(usual.byHour[9]).toBe(3000);
    expect(usual.byNowWh).toBe(3000 + 1000 * 0.5);
  });

  it("counts days without energy once there was some", () => {
    const usual = usualDay([hour("2026-11-04T09:00:00Z", 600), hour("2026-11-10T09:00:00Z", 600)], now, "UTC");
    expect(usual).toMatchObject({ days: 3, byNowWh: 200 });
  });

  it("counts by the clock of the zone", () => {
    const usual = usualDay([hour("2026-11-24T00:00:00Z", 500)], now, "Europe/Berlin");
    expect(usual.byHour[1]).toBe(500);
  });

  it("says where there is nothing to compare with", () => {
    expect(usualDay([], now, "UTC")).toMatchObject({ days: 0, byNowWh: 0 });
  });
});

describe("powerByHour", () => {
  it("is the energy of each hour by its length, the present one by what has passed of it", () => {
    const points = powerByHour([hour("2026-12-01T10:00:00Z", 1000), hour("2026-12-01T09:00:00Z", 3000)], now);
    expect(points).toHaveLength(24);
    expect(points.slice(-3).map(({ value }) => value)).toEqual([0, 3000, 2000]);
    expect(points[0]?.timeMs).toBe(Date.parse("2026-11-30T11:00:00Z"));
  });
});

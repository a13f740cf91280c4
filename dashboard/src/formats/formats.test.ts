import { describe, expect, it } from "vitest";

import { makeFormats } from "./formats";

const en = makeFormats("en-GB", "UTC");
const de = makeFormats("de-DE", "Europe/Berlin");
const NOW = Date.UTC(2026, 11, 1, 14, 3, 0);

describe("formats", () => {
  it("write energy with two decimals and power with one", () => {
    expect(en.kWh(12_345)).toBe("12.35 kWh");
    expect(de.kWh(12_345n)).toBe("12,35 kWh");
    expect(en.kW(11_049)).toBe("11.0 kW");
  });

  it("write times relative to now", () => {
    expect(en.relative(NOW - 3 * 60_000, NOW)).toBe("3 minutes ago");
    expect(en.relative(NOW - 2_000, NOW)).toBe("now");
    expect(en.relative(NOW - 26 * 3_600_000, NOW)).toBe("yesterday");
    expect(de.relative(NOW + 2 * 3_600_000, NOW)).toBe("in 2 Stunden");
  });

  it("write the zone beside a time", () => {
    expect(en.dateTime(NOW)).toContain("UTC");
    expect(de.dateTime(NOW)).toMatch(/15:03:00 MEZ$/);
    expect(de.dateTime(NOW, "Asia/Tokyo")).toContain("23:03:00");
  });

  it("write a time of the day to the millisecond, for what happens within one second", () => {
    expect(en.exactTime(NOW + 7)).toBe("14:03:00.007");
    expect(de.exactTime(NOW + 7)).toBe("15:03:00,007");
  });

  it("write durations without needless detail", () => {
    expect(en.duration(45)).toBe("45 secs");
    expect(en.duration(2 * 3600 + 5 * 60 + 9)).toBe("2 hrs 5 mins");
    expect(en.duration(3 * 86_400 + 4 * 3600 + 60)).toBe("3 days 4 hrs");
    expect(en.duration(0)).toBe("0 secs");
  });
});

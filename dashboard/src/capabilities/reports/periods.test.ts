import { describe, expect, it } from "vitest";

import { isoInZone } from "../../formats/zones";
import { isTooFine, partsOf, spanOf, usualGrain } from "./periods";

const BERLIN = "Europe/Berlin";
const now = Date.parse("2026-10-28T10:00:00Z");
const none = () => "";

function shown(span: { startMs: number; endMs: number } | undefined) {
  return span && [isoInZone(span.startMs, BERLIN), isoInZone(span.endMs, BERLIN)];
}

describe("spanOf", () => {
  it("has whole days of the zone, over a change of clocks", () => {
    expect(shown(spanOf("days7", none, now, BERLIN))).toEqual([
      "2026-10-22T00:00:00+02:00",
      "2026-10-29T00:00:00+01:00",
    ]);
    expect(shown(spanOf("lastMonth", none, now, BERLIN))).toEqual([
      "2026-09-01T00:00:00+02:00",
      "2026-10-01T00:00:00+02:00",
    ]);
  });

  it("has the last day of an own period as a whole, and is none where it is the wrong way round", () => {
    const own = (from: string, to: string) => spanOf("own", (name) => (name === "from" ? from : to), now, BERLIN);
    expect(shown(own("2026-10-01", "2026-10-01"))?.[1]).toBe("2026-10-02T00:00:00+02:00");
    expect(own("2026-10-02", "2026-10-01")).toBeUndefined();
    expect(own("2026-10-02", "")).toBeUndefined();
  });
});

describe("partsOf", () => {
  it("counts the hour that comes twice as two", () => {
    const day = spanOf("own", () => "2026-10-25", now, BERLIN);
    expect(day && partsOf(day, "hour", BERLIN)).toHaveLength(25);
    expect(day && partsOf(day, "day", BERLIN)).toHaveLength(1);
  });

  it("has twelve months in twelve months", () => {
    const year = spanOf("months12", none, now, BERLIN);
    expect(year && partsOf(year, "month", BERLIN)).toHaveLength(12);
  });
});

describe("grains", () => {
  it("are hours for a day, days for a month, months for a year", () => {
    const grains = (["today", "days30", "months12"] as const).map((range) => {
      const span = spanOf(range, none, now, BERLIN);
      return span && usualGrain(span);
    });
    expect(grains).toEqual(["hour", "day", "month"]);
  });

  it("refuse hours of a year", () => {
    const year = spanOf("months12", none, now, BERLIN);
    expect(year && [isTooFine(year, "hour"), isTooFine(year, "day")]).toEqual([true, false]);
  });
});

import { describe, expect, it } from "vitest";

import { isoDay, isoInZone, isZone, readIsoDay, startOfDay, startOfMonth } from "./zones";

const BERLIN = "Europe/Berlin";
const at = (text: string) => Date.parse(text);

describe("days in a zone", () => {
  it("begin at midnight there", () => {
    expect(startOfDay(at("2026-12-01T23:30:00Z"), BERLIN)).toBe(at("2026-12-01T23:00:00Z"));
    expect(startOfDay(at("2026-07-01T12:00:00Z"), "UTC")).toBe(at("2026-07-01T00:00:00Z"));
  });

  it("have 25 hours where the clock is set back", () => {
    const noon = at("2026-10-25T12:00:00Z");
    expect(startOfDay(noon, BERLIN, 1) - startOfDay(noon, BERLIN)).toBe(25 * 3_600_000);
  });

  it("are counted over the end of a month", () => {
    expect(isoDay(startOfDay(at("2026-03-01T12:00:00Z"), BERLIN, -1), BERLIN)).toBe("2026-02-28");
  });

  it("are read from a field, and an unreadable one is none", () => {
    expect(readIsoDay("2026-10-25", BERLIN)).toBe(at("2026-10-24T22:00:00Z"));
    expect(readIsoDay("2026-10-25", BERLIN, 1)).toBe(at("2026-10-25T23:00:00Z"));
    expect(readIsoDay("25.10.", BERLIN)).toBeUndefined();
  });
});

describe("startOfMonth", () => {
  it("goes over the year", () => {
    expect(isoDay(startOfMonth(at("2026-01-15T12:00:00Z"), BERLIN, -1), BERLIN)).toBe("2025-12-01");
  });
});

describe("isoInZone", () => {
  it("has the offset of that time of the year", () => {
    expect(isoInZone(at("2026-12-01T13:03:05.700Z"), BERLIN)).toBe("2026-12-01T14:03:05+01:00");
    expect(isoInZone(at("2026-07-01T12:00:00Z"), BERLIN)).toBe("2026-07-01T14:00:00+02:00");
    expect(isoInZone(at("2026-07-01T12:00:00Z"), "America/St_Johns")).toBe("2026-07-01T09:30:00-02:30");
  });
});

describe("isZone", () => {
  it("knows names of the database alone", () => {
    expect([isZone(BERLIN), isZone("Europe/Atlantis")]).toEqual([true, false]);
  });
});

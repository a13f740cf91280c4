import { describe, expect, it } from "vitest";

import { clauseOf } from "../../tables/filters";
import { en } from "./messages.en";
import { sessionFilters, typedClause } from "./query";

const BERLIN = "Europe/Berlin";
const now = Date.parse("2026-12-01T10:00:00Z");
const url = (parameters: Record<string, string>) => (name: string) => parameters[name] ?? "";

describe("sessionFilters", () => {
  const filters = sessionFilters(en, [{ id: "berlin", label: "Berlin" }], now, BERLIN);

  it("make one clause of all choices", () => {
    expect(clauseOf(filters, url({ state: "HANGING", flag: "meter_restart", site: "berlin" }))).toBe(
      'hanging = true AND flags:"meter_restart" AND site:"berlin"',
    );
  });

  it("begin a period with the day of the zone", () => {
    expect(clauseOf(filters, url({ period: "today" }))).toBe('start_time >= "2026-11-30T23:00:00.000Z"');
    expect(clauseOf(filters, url({ period: "days7" }))).toBe('start_time >= "2026-11-24T23:00:00.000Z"');
  });
});

describe("typedClause", () => {
  it("has the last day as a whole", () => {
    const get = url({ period: "own", from: "2026-10-25", to: "2026-10-25" });
    expect(typedClause(get, BERLIN)).toBe(
      'start_time >= "2026-10-24T22:00:00.000Z" AND start_time < "2026-10-25T23:00:00.000Z"',
    );
  });

  it("ignores days while another period is chosen, and quotes what is typed", () => {
    expect(typedClause(url({ period: "today", from: "2026-10-25", token: 'A"1 ' }), BERLIN)).toBe('id_token = "A\\"1"');
  });
});

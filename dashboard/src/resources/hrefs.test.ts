import { describe, expect, it } from "vitest";

import { sessionHref, stationHref } from "./hrefs";

describe("paths", () => {
  it("have the id of a station percent-encoded", () => {
    expect(stationHref("A/1 ü")).toBe("/stations/A%2F1%20%C3%BC");
    expect(stationHref("A/1", "commands")).toBe("/stations/A%2F1?tab=commands");
  });

  it("have the generation of a session where its name has been used again", () => {
    expect(sessionHref({ stationId: "CP 1", transactionId: "4/2" })).toBe("/stations/CP%201/sessions/4%2F2");
    expect(sessionHref({ stationId: "CP", transactionId: "42", generation: 1 })).toBe("/stations/CP/sessions/42");
    const again = { stationId: "CP", transactionId: "42", generation: 2 };
    expect(sessionHref(again)).toBe("/stations/CP/sessions/42?generation=2");
  });
});

import { describe, expect, it } from "vitest";

import { matches, type LiveEvent } from "./events";

const event: LiveEvent = {
  id: "",
  cursor: "1",
  type: "station.status_changed",
  source: "station",
  stationId: "A",
  timeMs: 0,
  data: {},
  actor: "",
};

describe("filters of live events", () => {
  it("let all through without conditions", () => {
    expect(matches({}, event)).toBe(true);
  });

  it("take a type as a whole, and a beginning by its dot", () => {
    expect(matches({ types: ["station.status_changed"] }, event)).toBe(true);
    expect(matches({ types: ["station."] }, event)).toBe(true);
    expect(matches({ types: ["station"] }, event)).toBe(false);
    expect(matches({ types: [] }, event)).toBe(false);
  });

  it("keep to one station", () => {
    expect(matches({ types: ["station."], stationId: "B" }, event)).toBe(false);
  });
});

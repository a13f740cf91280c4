import { describe, expect, it } from "vitest";

import { currentItem } from "./current_item";

const items = [
  { path: "/" },
  { path: "/stations" },
  { path: "/sessions", covers: [/^\/stations\/[^/]+\/sessions\//u] },
  { path: "/firmware", covers: [/^\/log-uploads$/u] },
];

describe("the entry of the rail that a page belongs to", () => {
  it.each([
    ["/", "/"],
    ["/stations", "/stations"],
    ["/stations/CP001", "/stations"],
    ["/stations/CP001/sessions/12", "/sessions"],
    ["/log-uploads", "/firmware"],
    ["/stationsX", undefined],
  ])("of %s is %s", (location, path) => {
    expect(currentItem(items, location)?.path).toBe(path);
  });
});

import { describe, expect, it } from "vitest";

import {
  clusters,
  fit,
  net,
  panned,
  project,
  readView,
  scaleBar,
  toPixels,
  toPoint,
  unproject,
  writeView,
  zoomed,
  type View,
} from "./projection";

const SIZE = { width: 800, height: 600 };
const BERLIN = { latitude: 52.52, longitude: 13.405 };
const MUNICH = { latitude: 48.137, longitude: 11.575 };
const SYDNEY = { latitude: -33.87, longitude: 151.21 };
const GERMANY: View = { latitude: 51, longitude: 10, scale: 256 * 2 ** 6 };

describe("the projection", () => {
  it("is that of web maps: the tile of Berlin at zoom 10 is 550/335", () => {
    const { x, y } = project(BERLIN);
    expect([Math.floor(x * 1024), Math.floor(y * 1024)]).toEqual([550, 335]);
  });

  it.each([BERLIN, SYDNEY, { latitude: 0, longitude: 0 }])("goes back to %j", (point) => {
    const back = unproject(project(point));
    expect(back.latitude).toBeCloseTo(point.latitude, 9);
    expect(back.longitude).toBeCloseTo(point.longitude, 9);
  });

  it("has the north above and the east to the right", () => {
    const [berlin, munich] = [toPixels(BERLIN, GERMANY, SIZE), toPixels(MUNICH, GERMANY, SIZE)];
    expect(berlin.y).toBeLessThan(munich.y);
    expect(berlin.x).toBeGreaterThan(munich.x);
  });

  it("keeps poles in a bound", () => {
    expect(project({ latitude: 90, longitude: 0 }).y).toBeGreaterThan(0);
  });
});

describe("a view", () => {
  it("fits all points within its margin", () => {
    const view = fit([BERLIN, MUNICH, SYDNEY], SIZE);
    for (const point of [BERLIN, MUNICH, SYDNEY]) {
      const { x, y } = toPixels(point, view, SIZE);
      expect(x).toBeGreaterThanOrEqual(47.9);
      expect(x).toBeLessThanOrEqual(752.1);
      expect(y).toBeGreaterThanOrEqual(47.9);
      expect(y).toBeLessThanOrEqual(552.1);
    }
  });

  it("has one point in its middle, and many at the same place too", () => {
    for (const points of [[BERLIN], [BERLIN, BERLIN]]) {
      const { x, y } = toPixels(BERLIN, fit(points, SIZE), SIZE);
      expect([Math.round(x), Math.round(y)]).toEqual([400, 300]);
    }
  });

  it("is there without any point", () => {
    expect(fit([], SIZE).scale).toBeGreaterThanOrEqual(256);
  });

  it("zooms about a place, which stays where it is", () => {
    const about = { x: 120, y: 480 };
    const before = toPoint(about, GERMANY, SIZE);
    const after = toPoint(about, zoomed(GERMANY, 2, about, SIZE), SIZE);
    expect(after.latitude).toBeCloseTo(before.latitude, 6);
    expect(after.longitude).toBeCloseTo(before.longitude, 6);
  });

  it("does not zoom without a bound", () => {
    let view = GERMANY;
    for (let step = 0; step < 100; step += 1) view = zoomed(view, 2, { x: 400, y: 300 }, SIZE);
    expect(view.scale).toBe(256 * 2 ** 20);
  });

  it("moves with the hand", () => {
    const moved = toPixels(BERLIN, panned(GERMANY, 30, -20), SIZE);
    const before = toPixels(BERLIN, GERMANY, SIZE);
    expect(moved.x - before.x).toBeCloseTo(30, 6);
    expect(moved.y - before.y).toBeCloseTo(-20, 6);
  });

  it("is the same from the URL, and absent where that makes no sense", () => {
    expect(readView(writeView(GERMANY))).toEqual(GERMANY);
    expect(readView("")).toBeUndefined();
    expect(readView("1,2")).toBeUndefined();
    expect(readView("a,b,c")).toBeUndefined();
  });
});

describe("clusters", () => {
  const NEAR = { latitude: 52.521, longitude: 13.406 };

  it("joins what would lie over each other, and nothing else", () => {
    const found = clusters([BERLIN, NEAR, MUNICH], GERMANY, SIZE);
    expect(found.map(({ items }) => items.length)).toEqual([2, 1]);
  });

  it("comes apart as one zooms in", () => {
    const near = fit([BERLIN, NEAR], SIZE);
    expect(clusters([BERLIN, NEAR], near, SIZE)).toHaveLength(2);
  });

  it("has the same members wherever the map is moved", () => {
    const items = Array.from({ length: 200 }, (_, index) => ({
      latitude: 48 + (index % 20) * 0.3,
      longitude: 7 + Math.floor(index / 20) * 0.6,
    }));
    const membersOf = (view: View) => clusters(items, view, SIZE).map((one) => one.items.length);
    expect(membersOf(panned(GERMANY, 13, 7))).toEqual(membersOf(GERMANY));
  });

  it("leaves out what is not in view", () => {
    expect(clusters([SYDNEY], GERMANY, SIZE)).toEqual([]);
  });
});

describe("the net and the scale", () => {
  it("has some lines at round degrees, at any height", () => {
    for (let zoom = 0; zoom <= 20; zoom += 1) {
      const { meridians, parallels } = net({ ...GERMANY, scale: 256 * 2 ** zoom }, SIZE);
      expect(meridians.length).toBeLessThanOrEqual(12);
      expect(parallels.length).toBeLessThanOrEqual(24);
      if (zoom > 2 && zoom < 19) expect(meridians.length).toBeGreaterThanOrEqual(2);
    }
  });

  it("says a round distance that is not longer than its room", () => {
    const { metres, pixels } = scaleBar(GERMANY, 120);
    expect(metres).toBe(100_000);
    expect(pixels).toBeLessThanOrEqual(120);
    expect(pixels).toBeGreaterThan(40);
  });
});

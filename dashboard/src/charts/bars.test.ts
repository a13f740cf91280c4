import { describe, expect, it } from "vitest";

import { barLayout, roundUp } from "./bars";

const plot = { left: 40, top: 0, width: 200, height: 100 };

describe("roundUp", () => {
  it("finds round numbers that are not below", () => {
    expect([0, 0.3, 1, 12, 24, 26, 101].map(roundUp)).toEqual([1, 0.5, 1, 20, 25, 50, 200]);
  });
});

describe("barLayout", () => {
  it("puts the parts of a bar on each other, up to the round number", () => {
    const { top, bars } = barLayout([{ values: [6, 2] }, { values: [null, null] }], plot);
    expect(top).toBe(10);
    expect(bars[0]?.parts).toEqual([
      { y: 40, height: 60 },
      { y: 20, height: 20 },
    ]);
    expect(bars[1]?.parts.map((part) => part.height)).toEqual([0, 0]);
  });

  it("leaves room for the usual value", () => {
    expect(barLayout([{ values: [1], usual: 40 }], plot).top).toBe(50);
  });

  it("keeps bars within their slots", () => {
    const { bars } = barLayout(
      Array.from({ length: 24 }, () => ({ values: [1] })),
      plot,
    );
    for (const bar of bars) expect(bar.width).toBeLessThanOrEqual(bar.slotWidth);
    expect((bars[23]?.slot ?? 0) + (bars[23]?.slotWidth ?? 0)).toBeCloseTo(240);
  });
});

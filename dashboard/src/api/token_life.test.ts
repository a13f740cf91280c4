import { describe, expect, it } from "vitest";

import { isDue, lifeOf } from "./token_life";

describe("an access token", () => {
  it("is refreshed in its last minute", () => {
    const life = lifeOf(900, 0);
    expect(isDue(life, 839_999)).toBe(false);
    expect(isDue(life, 840_000)).toBe(true);
  });

  it("is not refreshed before each call where it is short-lived", () => {
    const life = lifeOf(20, 0);
    expect(isDue(life, 9_999)).toBe(false);
    expect(isDue(life, 10_000)).toBe(true);
  });

  it("of an earlier release has no length", () => {
    expect(isDue({ expiresAtMs: 60_001 }, 0)).toBe(false);
    expect(isDue({ expiresAtMs: 60_000 }, 0)).toBe(true);
  });
});

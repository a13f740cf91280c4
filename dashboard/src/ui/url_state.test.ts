import { describe, expect, it } from "vitest";

import { changedSearch, withFrame } from "./url_state";

describe("state in the URL", () => {
  it("changes some parameters and keeps the others", () => {
    expect(changedSearch("q=a&sort=-id", { q: "b c", columns: "x" })).toBe("q=b+c&sort=-id&columns=x");
  });

  it("removes what is empty", () => {
    expect(changedSearch("q=a&tab=x", { q: "", tab: undefined })).toBe("");
  });

  it("takes the scope along to another page, and nothing else", () => {
    expect(withFrame("/stations/A%2F1?tab=x", "scope=site%3Aberlin&q=a")).toBe(
      "/stations/A%2F1?tab=x&scope=site%3Aberlin",
    );
    expect(withFrame("/stations", "q=a")).toBe("/stations");
  });

  it("does not change a scope that the link has itself", () => {
    expect(withFrame("/stations?scope=site%3Aulm", "scope=site%3Aberlin")).toBe("/stations?scope=site%3Aulm");
  });
});

import { describe, expect, it } from "vitest";

import { fromRows, keyFault, toRows } from "./labels";

describe("labels as rows", () => {
  it("are the same labels again, by key, without empty rows", () => {
    const rows = toRows({ region: "north", fleet: "taxis" });
    expect(rows.map(({ key }) => key)).toEqual(["fleet", "region"]);
    expect(fromRows([...rows, { key: " ", value: "" }])).toEqual({ region: "north", fleet: "taxis" });
  });

  it.each([
    ["Region", "form"],
    ["", "form"],
    ["1st", "form"],
    ["a b", "form"],
    ["region.2", undefined],
  ])("the key %j is refused as the mesh would", (key, fault) => {
    expect(keyFault([{ key, value: "north" }], 0)).toBe(fault);
  });

  it("a key is there once", () => {
    const rows = [
      { key: "region", value: "north" },
      { key: "region", value: "south" },
    ];
    expect(keyFault(rows, 1)).toBe("twice");
  });
});

import { describe, expect, it } from "vitest";

import { withUpdateMask } from "./masks";

describe("the mask of an update", () => {
  const before = { idToken: "A", displayName: "Ada", status: "ACCEPTED" };

  it("has the fields that differ and no others", () => {
    const json = withUpdateMask({ token: { ...before, displayName: "Eve" } }, "token", before, ["idToken"]);
    expect(json.updateMask).toBe("displayName");
  });

  it("has a field that was taken away", () => {
    const json = withUpdateMask({ token: { idToken: "A", status: "ACCEPTED" } }, "token", before, ["idToken"]);
    expect(json.updateMask).toBe("displayName");
  });

  it("never has the name of the resource, which stays in the request", () => {
    const json = withUpdateMask({ token: { idToken: "B" } }, "token", before, ["idToken"]);
    expect(json).toEqual({ token: { idToken: "A" }, updateMask: "displayName,status" });
  });
});

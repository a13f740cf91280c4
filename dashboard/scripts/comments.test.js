import { describe, expect, it } from "vitest";

import { textOf } from "./comments.js";

describe("the text of a comment that forms show", () => {
  it("is on one line, without directives for tools", () => {
    expect(textOf(" The station,\n by its id.\n buf:lint:ignore X")).toBe("The station, by its id.");
  });

  it("has no sentences on errors, which are for programs", () => {
    expect(textOf("Stops it. Errors: NOT_FOUND.")).toBe("Stops it.");
    expect(textOf("EVSE to start at. INVALID_FIELD beside evse_id.")).toBe("EVSE to start at.");
    expect(textOf("Its message. INVALID_FIELD beside an EVSE. Without it, none.")).toBe(
      "Its message. Without it, none.",
    );
  });
});

import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";

import { ChargingRateUnit, ChargingScheduleSchema } from "../../stubs/csms/station/v1/charging_profile_pb";
import { ratesOf } from "./rates";

const schedule = (...limits: number[]) =>
  create(ChargingScheduleSchema, {
    chargingRateUnit: ChargingRateUnit.AMPERES,
    periods: limits.map((limit) => ({ limit })),
  });

describe("ratesOf", () => {
  it("has the limits in their order, with the unit", () => {
    expect(ratesOf(schedule(16, 8.1), "en")).toBe("16 → 8.1 A");
    expect(ratesOf(schedule(8.1), "de")).toBe("8,1 A");
  });

  it("has the first of many, and nothing where there is no schedule", () => {
    expect(ratesOf(schedule(1, 2, 3, 4, 5), "en")).toBe("1 → 2 → 3 → 4 → … A");
    expect(ratesOf(undefined, "en")).toBe("");
  });
});

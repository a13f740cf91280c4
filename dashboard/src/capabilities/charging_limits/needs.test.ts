import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";

import { EvChargingNeedsSchema } from "../../stubs/csms/station/v1/ev_charging_pb";
import { energyOf, mostOf } from "./needs";

describe("the needs of a vehicle", () => {
  it("are amperes and kWh for AC", () => {
    const needs = create(EvChargingNeedsSchema, { acParameters: { energyWh: 20_500, maxCurrentA: 16 } });
    expect(mostOf(needs, "en")).toBe("16 A");
    expect(energyOf(needs, "de")).toBe("20,50 kWh");
  });

  it("are kW for DC, and no energy where none is said", () => {
    const needs = create(EvChargingNeedsSchema, { dcParameters: { maxCurrentA: 125, maxVoltageV: 400 } });
    expect(mostOf(needs, "en")).toBe("50 kW");
    expect(energyOf(needs, "en")).toBe("");
    expect(mostOf(create(EvChargingNeedsSchema, { dcParameters: { maxPowerW: 42_500 } }), "en")).toBe("42.5 kW");
  });

  it("are nothing where nothing is said", () => {
    expect(mostOf(undefined, "en")).toBe("");
    expect(energyOf(undefined, "en")).toBe("");
  });
});

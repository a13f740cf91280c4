import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { describe, expect, it } from "vitest";

import {
  Measurand,
  MeasurandLocation,
  Phase,
  type SampledValueSchema,
} from "../../stubs/csms/common/v1/meter_value_pb";
import { RecordedTransactionEventSchema } from "../../stubs/csms/transaction/v1/transaction_service_pb";
import { derivedPower, fallsOf, gapOf, readingsOf, rowsOf } from "./readings";

type Sample = MessageInitShape<typeof SampledValueSchema>;

function event(timeMs: number, ...sampledValues: Sample[]) {
  return create(RecordedTransactionEventSchema, {
    event: { meterValues: [{ sampleTime: timestampFromMs(timeMs), sampledValues }] },
  });
}

const register = (value: string, more: Sample = {}): Sample => ({
  value,
  measurand: Measurand.ENERGY_ACTIVE_IMPORT_REGISTER,
  ...more,
});
const power = (value: string, more: Sample = {}): Sample => ({
  value,
  measurand: Measurand.POWER_ACTIVE_IMPORT,
  ...more,
});

describe("readingsOf", () => {
  it("takes a value without a measurand for the register, and brings units and multipliers to Wh", () => {
    const found = readingsOf([
      event(1000, { value: "1.5", unit: "kWh" }),
      event(2000, register("16", { multiplier: 2 })),
    ]);
    expect(found.register).toEqual([
      { timeMs: 1000, value: 1500 },
      { timeMs: 2000, value: 1600 },
    ]);
  });

  it("takes no word that the station made up for the register", () => {
    expect(readingsOf([event(0, { value: "7", rawWords: "measurand=Odometer" })]).register).toEqual([]);
  });

  it("sums the lines where there is no value for all phases, and prefers that one", () => {
    const lines = [Phase.L1, Phase.L2, Phase.L3].map((phase) => power("2.3", { unit: "kW", phase }));
    const found = readingsOf([event(0, ...lines), event(1000, ...lines, power("7100"))]);
    expect(found.power.map((point) => Math.round(point.value))).toEqual([6900, 7100]);
    expect(found.powerIsDerived).toBe(false);
  });

  it("reads the outlet and leaves the inlet out", () => {
    const found = readingsOf([event(0, register("5", { location: MeasurandLocation.INLET }), register("4"))]);
    expect(found.register.map((point) => point.value)).toEqual([4]);
  });

  it("leaves out what is no number, and units that it does not know", () => {
    expect(
      readingsOf([event(0, register(""), power("x")), event(1, register("3", { unit: "varh" }))]).register,
    ).toEqual([]);
  });

  it("derives the power from the register where the station sends none", () => {
    const found = readingsOf([event(0, register("0")), event(1_800_000, register("5000"))]);
    expect(found).toMatchObject({ powerIsDerived: true, power: [{ timeMs: 1_800_000, value: 10_000 }] });
  });
});

describe("derivedPower", () => {
  it("has no value over a fall of the register", () => {
    const points = [100, 20, 30].map((value, index) => ({ timeMs: index * 3_600_000, value }));
    expect(derivedPower(points)).toEqual([{ timeMs: 7_200_000, value: 10 }]);
    expect(fallsOf(points)).toEqual([{ before: points[0], after: points[1] }]);
  });
});

describe("gapOf", () => {
  it("is four times the usual pause, and none where there are few readings", () => {
    const at = (...seconds: number[]) => seconds.map((second) => ({ timeMs: second * 1000, value: 0 }));
    expect(gapOf(at(0, 60, 120, 180, 900))).toBe(240_000);
    expect(gapOf(at(0, 3600))).toBe(Infinity);
  });
});

describe("rowsOf", () => {
  it("puts the readings of one moment into one row, the newest first", () => {
    const rows = rowsOf(
      readingsOf([event(0, register("1")), event(5, register("2"), power("9")), event(9, power("8"))]),
    );
    expect(rows).toEqual([
      { timeMs: 9, power: 8 },
      { timeMs: 5, register: 2, power: 9 },
      { timeMs: 0, register: 1 },
    ]);
  });
});

import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { describe, expect, it } from "vitest";

import {
  ChargingProfileKind,
  ChargingProfilePurpose,
  ChargingProfileSchema,
  ChargingRateUnit,
  RecurrencyKind,
  type ChargingProfile,
} from "../../stubs/csms/station/v1/charging_profile_pb";
import { effective, isRelative, pointsOf, spansOf, unitsOf, type Placed } from "./limits";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const FROM = 10 * DAY;
const PERIOD = { fromMs: FROM, toMs: FROM + DAY };
const WATTS = ChargingRateUnit.WATTS;

interface Given {
  purpose?: ChargingProfilePurpose;
  level?: number;
  kind?: ChargingProfileKind;
  recurrency?: RecurrencyKind;
  /** Hours after the begin of the period. */
  start?: number;
  hours?: number;
  validFrom?: number;
  validTo?: number;
  unit?: ChargingRateUnit;
  /** Pairs of hours after the start, and the limit from then on. */
  limits: readonly (readonly [number, number])[];
}

function at(hours: number) {
  return timestampFromMs(FROM + hours * HOUR);
}

function profile(given: Given): ChargingProfile {
  return create(ChargingProfileSchema, {
    purpose: given.purpose ?? ChargingProfilePurpose.TX_DEFAULT_PROFILE,
    stackLevel: given.level ?? 0,
    kind: given.kind ?? ChargingProfileKind.ABSOLUTE,
    recurrencyKind: given.recurrency ?? RecurrencyKind.UNSPECIFIED,
    ...(given.validFrom === undefined ? {} : { validFrom: at(given.validFrom) }),
    ...(given.validTo === undefined ? {} : { validTo: at(given.validTo) }),
    schedules: [
      {
        chargingRateUnit: given.unit ?? WATTS,
        ...(given.start === undefined ? {} : { startTime: at(given.start) }),
        ...(given.hours === undefined ? {} : { durationS: given.hours * 3600 }),
        periods: given.limits.map(([hours, limit]) => ({ startPeriodS: hours * 3600, limit })),
      },
    ],
  });
}

/** Spans as [from, to, limit], in hours after the begin of the period. */
function spans(given: Given) {
  const one = profile(given);
  const [schedule] = one.schedules;
  if (!schedule) throw new Error("a profile has a schedule");
  return spansOf(one, schedule, PERIOD).map(({ fromMs, toMs, limit }) => [
    (fromMs - FROM) / HOUR,
    (toMs - FROM) / HOUR,
    limit,
  ]);
}

function limits(...given: (Given & { evseId?: number })[]) {
  const placed: Placed[] = given.map((one) => ({ evseId: one.evseId ?? 1, profile: profile(one) }));
  return effective(placed, WATTS, PERIOD).map(({ fromMs, toMs, limit }) => [
    (fromMs - FROM) / HOUR,
    (toMs - FROM) / HOUR,
    limit,
  ]);
}

describe("the limits of a profile", () => {
  it("begin at its start, and end with its duration or the period", () => {
    expect(
      spans({
        start: 2,
        hours: 5,
        limits: [
          [0, 11],
          [3, 22],
        ],
      }),
    ).toEqual([
      [2, 5, 11],
      [5, 7, 22],
    ]);
    expect(
      spans({
        start: -30,
        limits: [
          [0, 11],
          [40, 22],
        ],
      }),
    ).toEqual([
      [0, 10, 11],
      [10, 24, 22],
    ]);
  });

  it("hold within its validity alone", () => {
    expect(spans({ start: 0, validFrom: 4, validTo: 6, limits: [[0, 11]] })).toEqual([[4, 6, 11]]);
    expect(spans({ start: 0, validTo: -1, limits: [[0, 11]] })).toEqual([]);
  });

  it("come again each day or week, from before the period too", () => {
    const daily = { kind: ChargingProfileKind.RECURRING, recurrency: RecurrencyKind.DAILY };
    expect(spans({ ...daily, start: -20, hours: 6, limits: [[0, 11]] })).toEqual([[4, 10, 11]]);
    expect(
      spans({
        ...daily,
        start: -2,
        limits: [
          [0, 11],
          [12, 22],
        ],
      }),
    ).toEqual([
      [0, 10, 11],
      [10, 22, 22],
      [22, 24, 11],
    ]);
    const weekly = { ...daily, recurrency: RecurrencyKind.WEEKLY };
    expect(spans({ ...weekly, start: -24 * 7 + 3, hours: 1, limits: [[0, 11]] })).toEqual([[3, 4, 11]]);
    expect(spans({ ...weekly, start: -24 * 3, hours: 1, limits: [[0, 11]] })).toEqual([]);
  });

  it("count from now where they count from the begin of the charging", () => {
    const relative = {
      kind: ChargingProfileKind.RELATIVE,
      limits: [
        [0, 11],
        [2, 0],
      ] as const,
    };
    expect(spans(relative)).toEqual([
      [0, 2, 11],
      [2, 24, 0],
    ]);
    expect(isRelative(profile(relative))).toBe(true);
    expect(isRelative(profile({ start: 0, limits: [[0, 1]] }))).toBe(false);
  });
});

describe("the limit that applies", () => {
  it("is that of the highest level, and below it where that one has none", () => {
    expect(limits({ start: 0, limits: [[0, 22]] }, { level: 3, start: 5, hours: 2, limits: [[0, 50]] })).toEqual([
      [0, 5, 22],
      [5, 7, 50],
      [7, 24, 22],
    ]);
  });

  it("is the strictest of all purposes, where a transaction's takes the place of the default", () => {
    const whole = { evseId: 0, purpose: ChargingProfilePurpose.CHARGING_STATION_MAX_PROFILE };
    const found = limits(
      {
        ...whole,
        start: 0,
        limits: [
          [0, 30],
          [12, 10],
        ],
      },
      { start: 0, limits: [[0, 5]] },
      { purpose: ChargingProfilePurpose.TX_PROFILE, start: 6, hours: 10, limits: [[0, 20]] },
    );
    expect(found).toEqual([
      [0, 6, 5],
      [6, 12, 20],
      [12, 16, 10],
      [16, 24, 5],
    ]);
  });

  it("is that of the EVSE before that of the station, and of one unit", () => {
    expect(limits({ evseId: 0, start: 0, limits: [[0, 7]] }, { evseId: 2, start: 0, limits: [[0, 9]] })).toEqual([
      [0, 24, 9],
    ]);
    const amperes = { start: 0, unit: ChargingRateUnit.AMPERES, limits: [[0, 16]] as const };
    expect(limits(amperes)).toEqual([]);
    expect(unitsOf([{ evseId: 1, profile: profile(amperes) }])).toEqual([ChargingRateUnit.AMPERES]);
  });
});

it("draws a gap where nothing limits, and none between limits", () => {
  const points = pointsOf([
    { fromMs: 0, toMs: 10, limit: 1 },
    { fromMs: 10, toMs: 20, limit: 2 },
    { fromMs: 30, toMs: 40, limit: 3 },
  ]);
  expect(points.map(({ timeMs, value }) => [timeMs, value])).toEqual([
    [0, 1],
    [10, 2],
    [20, 2],
    [21, null],
    [30, 3],
    [40, 3],
    [41, null],
  ]);
});

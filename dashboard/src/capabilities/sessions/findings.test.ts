import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { describe, expect, it } from "vitest";

import { makeFormats } from "../../formats/formats";
import { AuthorizationStatus } from "../../stubs/csms/common/v1/id_token_pb";
import { EnergyBasis, TransactionSchema } from "../../stubs/csms/transaction/v1/transaction_service_pb";
import { ENERGY_FLAGS, findingsOf, SESSION_FLAGS } from "./findings";
import { de } from "./messages.de";
import { en } from "./messages.en";
import type { Point } from "./readings";

const formats = makeFormats("en-GB", "UTC");
const noon = Date.parse("2026-12-01T12:00:00Z");

function sentences(session: MessageInitShape<typeof TransactionSchema>, register: readonly Point[] = []) {
  return findingsOf({ session: create(TransactionSchema, session), register, t: en, formats }).map(({ text }) => text);
}

describe("findingsOf", () => {
  it("finds nothing where nothing is flagged", () => {
    expect(sentences({ energyBasis: EnergyBasis.REGISTER })).toEqual([]);
  });

  it("says what a restarted meter counted before and after", () => {
    const register = [1_000_000, 1_012_300, 0, 4_100].map((value, index) => ({ timeMs: noon + index * 60_000, value }));
    const found = sentences({ flags: ["meter_restart", "meter_rollback"] }, register);
    expect(found).toHaveLength(1);
    const [text] = found;
    expect(text).toContain("12:02");
    expect(text).toContain("12.30 kWh were counted before, 4.10 kWh after");
    expect(text).toContain("from 1,012.30 kWh to 0.00 kWh");
  });

  it("names both values where the begin was a placeholder", () => {
    const [text] = sentences({
      flags: ["begin_placeholder"],
      meterStartWh: 0,
      believedMeterStartWh: 886_000,
      energyBasis: EnergyBasis.PREVIOUS_TRANSACTION,
    });
    expect(text).toContain("0.00 kWh");
    expect(text).toContain("886.00 kWh, the register at the end of the session before");
  });

  it("says who ended it, when and why", () => {
    const [text] = sentences({
      flags: ["operator_end"],
      operatorEnd: { username: "ada", reason: "ticket 12", requestTime: timestampFromMs(noon) },
    });
    expect(text).toMatch(/^ada ended it on .*12:00.*ticket 12/);
  });

  it("says why a tag was refused", () => {
    expect(
      sentences({
        flags: ["refused_token"],
        idToken: { idToken: "04A2" },
        authorizationStatus: AuthorizationStatus.EXPIRED,
      }),
    ).toEqual(["The tag 04A2 was refused, since it has expired, and energy flowed all the same."]);
  });

  it("puts what concerns the energy first", () => {
    const found = findingsOf({
      session: create(TransactionSchema, { flags: ["clock_skew", "meter_rollback"], hanging: true }),
      register: [],
      t: en,
      formats,
    });
    expect(found.map(({ id }) => id)).toEqual(["meter_rollback", "clock_skew", "hanging"]);
  });

  it.each([...ENERGY_FLAGS, ...SESSION_FLAGS])("has a sentence and a name for %s in both languages", (flag) => {
    for (const t of [en, de]) {
      const [found] = findingsOf({ session: create(TransactionSchema, { flags: [flag] }), register: [], t, formats });
      expect(found?.text).not.toContain(flag);
      expect(Object.keys(t.flagNames)).toContain(flag);
    }
  });
});

import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";

import { makeFormats } from "../../formats/formats";
import { ConditionKind, ConditionSchema } from "../../stubs/csms/condition/v1/condition_pb";
import { de } from "./messages.de";
import { en } from "./messages.en";
import { offeredRemedies } from "./remedies";
import { hrefOf, kindName, kindWord, placeText, whyText } from "./words";

const formats = makeFormats("en-GB", "UTC");
const condition = (init: MessageInitShape<typeof ConditionSchema>) => create(ConditionSchema, init);
const kinds = Object.values(ConditionKind).filter(
  (kind) => typeof kind === "number" && kind !== ConditionKind.UNSPECIFIED,
) as ConditionKind[];

describe("whyText", () => {
  it("says how a station left", () => {
    const offline = (closeCode: number, reason = "") =>
      whyText(condition({ kind: ConditionKind.STATION_OFFLINE, reason, details: { closeCode } }), en, formats);
    expect(offline(1006)).toContain("without a word");
    expect(offline(1001)).toContain("itself");
    expect(offline(1011)).toContain("1011");
    expect(offline(1006, "HANDSHAKE_REFUSED")).toContain("credential");
  });

  it("names the findings of a doubted session in words", () => {
    const doubted = condition({
      kind: ConditionKind.ENERGY_DOUBTED,
      details: { energyWh: 12300, flags: ["meter_restart", "other_counter"] },
    });
    expect(whyText(doubted, en, formats)).toBe("12.30 kWh counted. The meter restarted, Another counter is mixed in.");
  });

  it.each(kinds)("has words for kind %s in both languages", (kind) => {
    for (const t of [en, de]) expect(kindWord(t, kind)).not.toBe(kindName(kind));
  });
});

describe("place and page", () => {
  it("lead to the session where one is concerned", () => {
    const hanging = condition({ stationId: "CP 1", transactionId: "42", generation: 2, evse: { evseId: 1 } });
    expect(placeText(hanging, en)).toBe("session 42");
    expect(hrefOf(hanging)).toBe("/stations/CP%201/sessions/42?generation=2");
  });

  it("say that the whole station is faulted", () => {
    expect(placeText(condition({ kind: ConditionKind.CONNECTOR_FAULTED }), en)).toBe("the station as a whole");
  });
});

describe("offeredRemedies", () => {
  const tagged = condition({
    remedies: [
      { method: "csms.auth.v1.IdTokenService/AddSeenIdToken", request: { idToken: "04A2" } },
      { method: "csms.auth.v1.IdTokenService/AddSeenIdToken", request: { idToken: "04A2", status: "Blocked" } },
      { method: "csms.of.later.v1.Service/Unknown", request: {} },
    ],
  });

  it("tell two of the same method apart, give what is meant and let the rest be changed", () => {
    const offered = offeredRemedies(tagged, () => true, en);
    expect(offered.map(({ label }) => label)).toEqual(["Add token", "Block token"]);
    expect(offered[1]).toMatchObject({ fixed: { idToken: "04A2" }, initial: { status: "Blocked" } });
  });

  it("leave out what the caller may not do", () => {
    expect(offeredRemedies(tagged, () => false, en)).toEqual([]);
  });
});

import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { describe, expect, it } from "vitest";

import { AuthorizationStatus } from "../../stubs/csms/common/v1/id_token_pb";
import { ChargingState, TransactionEventType } from "../../stubs/csms/transaction/v1/transaction_event_pb";
import { RecordedTransactionEventSchema } from "../../stubs/csms/transaction/v1/transaction_service_pb";
import { marksOf } from "./marks";
import { en } from "./messages.en";

function event(seconds: number, eventType: TransactionEventType, chargingState = ChargingState.UNSPECIFIED) {
  return create(RecordedTransactionEventSchema, {
    event: { eventType, chargingState, eventTime: timestampFromMs(seconds * 1000) },
  });
}
const { STARTED, UPDATED, ENDED } = TransactionEventType;

describe("marksOf", () => {
  it("marks begin, end and changes of charging, and joins those that are close", () => {
    const marks = marksOf(
      [
        event(0, STARTED, ChargingState.EV_CONNECTED),
        event(1, UPDATED, ChargingState.CHARGING),
        event(500, UPDATED, ChargingState.CHARGING),
        event(700, UPDATED, ChargingState.SUSPENDED_EV),
        event(1000, ENDED),
      ],
      [],
      en,
    );
    expect(marks).toEqual([
      { timeMs: 0, label: "Begin, Car connected, Charging" },
      { timeMs: 700_000, label: "Paused by the car" },
      { timeMs: 1_000_000, label: "End" },
    ]);
  });

  it("marks a refused tag and a meter that starts over", () => {
    const refused = { ...event(10, UPDATED), authorizationStatus: AuthorizationStatus.EXPIRED };
    const register = [5000, 0, 100].map((value, index) => ({ timeMs: index * 400_000, value }));
    expect(marksOf([event(0, STARTED), refused], register, en).map(({ label }) => label)).toEqual([
      "Begin, tag refused",
      "meter restarts",
    ]);
  });
});

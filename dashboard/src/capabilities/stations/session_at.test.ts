import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";

import { TransactionSchema } from "../../stubs/csms/transaction/v1/transaction_service_pb";
import { sessionAt } from "./session_at";

const at = (evseId: number, connectorId = 0) =>
  create(TransactionSchema, {
    transactionId: `${String(evseId)}.${String(connectorId)}`,
    evse: { evseId, connectorId },
  });

describe("the session at a connector", () => {
  it("is the one that names it", () => {
    const sessions = [at(1, 1), at(1, 2), at(2, 1)];
    expect(sessionAt(sessions, 1, 2)?.transactionId).toBe("1.2");
    expect(sessionAt(sessions, 2, 2)).toBeUndefined();
  });

  it("is one of its EVSE that names no connector", () => {
    expect(sessionAt([at(2)], 2, 1)?.transactionId).toBe("2.0");
    expect(sessionAt([at(2)], 1, 1)).toBeUndefined();
  });

  it("is none without an EVSE", () => {
    expect(sessionAt([create(TransactionSchema, { transactionId: "none" })], 1, 1)).toBeUndefined();
  });
});

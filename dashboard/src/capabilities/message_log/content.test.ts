import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";

import { MessageDirection, MessageSchema, type Message } from "../../stubs/csms/station/v1/station_pb";
import { prettyJson, summaryOf, transactionOf } from "./content";
import { exchangesOf } from "./frames";
import { en } from "./messages.en";

function frame(elements: unknown, messageType = 2, action = ""): Message {
  const payload = typeof elements === "string" ? elements : JSON.stringify(elements);
  return create(MessageSchema, { direction: MessageDirection.RECEIVED, messageType, messageId: "1", action, payload });
}

function summary(action: string, payload: unknown): string {
  return summaryOf(frame([2, "1", action, payload]), action, en.words);
}

describe("the summary of a frame", () => {
  it("is a sentence for the common requests of both versions", () => {
    const boot16 = { chargePointVendor: "ACME", chargePointModel: "One", firmwareVersion: "1.2" };
    const boot20 = { reason: "PowerUp", chargingStation: { vendorName: "ACME", model: "Two" } };
    expect(summary("BootNotification", boot16)).toBe("ACME One has started, firmware 1.2");
    expect(summary("BootNotification", boot20)).toBe("ACME Two has started");
    const status = { connectorId: 1, status: "Faulted", errorCode: "GroundFailure" };
    expect(summary("StatusNotification", status)).toBe("Connector 1 is Faulted: GroundFailure");
    expect(summary("StatusNotification", { evseId: 2, connectorId: 1, connectorStatus: "Available" })).toBe(
      "Connector 2.1 is Available",
    );
  });

  it("has the reading of energy among others", () => {
    const sampledValue = [
      { value: "7000", measurand: "Power.Active.Import", unit: "W" },
      { value: "12345", unit: "Wh" },
    ];
    expect(summary("MeterValues", { connectorId: 1, meterValue: [{ sampledValue }] })).toBe(
      "Meter of connector 1: 12345 Wh",
    );
  });

  it("is the first values for all else, and the description for an error", () => {
    expect(summary("ChangeConfiguration", { key: "A", value: "1", more: { deep: true }, list: [1, 2] })).toBe(
      "key A · value 1 · deep true · list (2)",
    );
    const error = frame([4, "1", "NotSupported", "no such thing", {}], 4);
    expect(summaryOf(error, "Reset", en.words)).toBe("NotSupported: no such thing");
  });

  it("takes what a station sends: no payload, wrong types, a cut frame", () => {
    expect(summary("BootNotification", null)).toBe("The station has started");
    expect(summary("MeterValues", { meterValue: "none" })).toBe("Meter of connector 0: ");
    const cut = frame('[2,"1","Heartbeat",{"a":');
    expect(summaryOf(cut, "DataTransfer", en.words)).toBe("");
    expect(prettyJson(cut)).toBe('[2,"1","Heartbeat",{"a":');
  });
});

it("finds the transaction in the request, in the answer, and in an event of 2.0.1", () => {
  const transactions = [
    frame([2, "1", "StopTransaction", { transactionId: 17 }]),
    frame([3, "1", { transactionId: 18 }], 3),
    frame([2, "1", "TransactionEvent", { transactionInfo: { transactionId: "ab-1" } }]),
    frame([2, "1", "MeterValues", { transactionId: 0 }]),
  ].map((one) => exchangesOf([one])[0]);
  expect(transactions.map((one) => one && transactionOf(one))).toEqual(["17", "18", "ab-1", ""]);
});

import { fromJson } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";

import {
  GetVariablesRequestSchema,
  RequestStartTransactionRequestSchema,
  ResetRequestSchema,
  ResetType,
  SendCallRequestSchema,
} from "../stubs/csms/station/v1/command_service_pb";
import { CreateStationRequestSchema } from "../stubs/csms/station/v1/station_service_pb";
import { ReserveNowRequestSchema } from "../stubs/csms/station/v1/reservation_pb";
import { formFields } from "./model";
import { readValues, toLocalText, toValues } from "./values";

describe("values of a form", () => {
  it("make the message that was typed", () => {
    const { json, faults } = readValues(formFields(ResetRequestSchema), {
      station_id: "CP 1",
      type: "RESET_TYPE_IMMEDIATE",
      evse: { evse_id: "2" },
      timeout_s: " 30 ",
    });
    expect(faults.size).toBe(0);
    const message = fromJson(ResetRequestSchema, json);
    expect([message.stationId, message.type, message.evse?.evseId, message.timeoutS]).toEqual([
      "CP 1",
      ResetType.IMMEDIATE,
      2,
      30,
    ]);
  });

  it("name each fault by the path of its field", () => {
    const { faults } = readValues(formFields(RequestStartTransactionRequestSchema), {
      remote_start_id: "seven",
      evse: { evse_id: "1.5" },
    });
    expect(Object.fromEntries(faults)).toMatchObject({
      station_id: "required",
      remote_start_id: "integer",
      "evse.evse_id": "integer",
    });
  });

  it("send a required message that is empty, since absence means something else", () => {
    const { json } = readValues(formFields(RequestStartTransactionRequestSchema), { station_id: "CP1" });
    expect(json).toHaveProperty("idToken", {});
    expect(json).not.toHaveProperty("evse");
  });

  it("keep integers that no number holds", () => {
    const fields = formFields(ResetRequestSchema).filter((field) => field.name === "timeout_s");
    expect(readValues(fields, { timeout_s: "9007199254740993" }).json).toEqual({ timeoutS: "9007199254740993" });
  });

  it("read lists, maps and JSON", () => {
    expect(
      readValues(formFields(GetVariablesRequestSchema), {
        station_id: "a",
        variables: [{ component: "OCPPCommCtrlr", variable: "HeartbeatInterval" }],
      }).json,
    ).toEqual({
      stationId: "a",
      variables: [{ component: "OCPPCommCtrlr", variable: "HeartbeatInterval" }],
    });
    expect(
      readValues(formFields(CreateStationRequestSchema), {
        station_id: "a",
        labels: [{ key: "region", value: "north" }],
      }).json,
    ).toEqual({
      stationId: "a",
      labels: { region: "north" },
    });
    expect(
      readValues(formFields(SendCallRequestSchema), { station_id: "a", action: "X", payload: "[1]" }).faults.get(
        "payload",
      ),
    ).toBe("json");
  });

  it("read a local time with the zone of the viewer", () => {
    const typed = toLocalText(new Date("2026-12-01T13:45:00Z"));
    const { json } = readValues(formFields(ReserveNowRequestSchema), { station_id: "a", expire_time: typed });
    expect(json.expireTime).toBe("2026-12-01T13:45:00.000Z");
  });

  it("come back from JSON as they were", () => {
    const fields = formFields(ResetRequestSchema);
    const json = { stationId: "CP1", type: "RESET_TYPE_ON_IDLE", evse: { evseId: 2 }, timeoutS: 5 };
    expect(readValues(fields, toValues(fields, json)).json).toEqual(json);
  });
});

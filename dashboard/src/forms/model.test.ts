import { describe, expect, it } from "vitest";

import {
  CommandService,
  GetVariablesRequestSchema,
  ResetRequestSchema,
  ResetTypeSchema,
  SendCallRequestSchema,
} from "../stubs/csms/station/v1/command_service_pb";
import { CreateStationRequestSchema } from "../stubs/csms/station/v1/station_service_pb";
import { CreateRolloutRequestSchema } from "../stubs/csms/station/v1/rollout_service_pb";
import { enumLabel, formFields, labelOf, methodLabel, unitOf, nestedFields } from "./model";

describe("fields of a form", () => {
  it("has required fields first and leaves out deprecated ones", () => {
    const names = formFields(ResetRequestSchema).map((field) => field.name);
    expect(names).toEqual(["station_id", "request_id", "type", "evse", "timeout_s"]);
  });

  it("leaves out hidden fields", () => {
    expect(formFields(ResetRequestSchema, ["station_id"]).some((field) => field.name === "station_id")).toBe(false);
  });

  it("folds what few need", () => {
    const advanced = formFields(ResetRequestSchema).filter((field) => field.advanced);
    expect(advanced.map((field) => field.name)).toEqual(["request_id", "timeout_s"]);
  });

  it("knows presence: absent and zero differ", () => {
    const profile = formFields(CreateStationRequestSchema).find((field) => field.name === "security_profile");
    expect(profile?.optional).toBe(true);
    expect(profile?.input).toEqual({ kind: "integer", signed: true });
  });

  it("has inputs for maps, lists of messages and free JSON", () => {
    const kinds = [CreateStationRequestSchema, GetVariablesRequestSchema, SendCallRequestSchema].flatMap((desc) =>
      formFields(desc).map((field) => `${field.name}:${field.input.kind}`),
    );
    expect(kinds).toEqual(expect.arrayContaining(["labels:map", "variables:list", "payload:json"]));
  });

  it("can be made for every command", () => {
    for (const method of CommandService.methods) expect(formFields(method.input).length).toBeGreaterThan(0);
  });
});

describe("words", () => {
  it("takes the unit off a name", () => {
    expect(unitOf("timeout_s")).toEqual({ name: "timeout", unit: "s" });
    expect(unitOf("energy_wh")).toEqual({ name: "energy", unit: "Wh" });
    expect(unitOf("station_id")).toEqual({ name: "station_id" });
  });

  it("writes names as people do", () => {
    expect(labelOf("evse_id")).toBe("EVSE ID");
    expect(methodLabel("RequestStartTransaction")).toBe("Request start transaction");
    expect(enumLabel(ResetTypeSchema, "RESET_TYPE_ON_IDLE")).toBe("On idle");
  });

  it("leaves the station of a command out that is given to many", () => {
    const work = formFields(CreateRolloutRequestSchema).find((field) => field.name === "command");
    const reset = work?.input.kind === "message" ? nestedFields(work.input)[0] : undefined;
    const names = reset?.input.kind === "message" ? nestedFields(reset.input).map((field) => field.name) : [];
    expect(names).toContain("type");
    expect(names).not.toContain("station_id");
    expect(names).not.toContain("request_id");
  });

  it("keeps the fields of a oneof together, the large ones too", () => {
    const works = formFields(CreateRolloutRequestSchema).filter(({ oneof }) => oneof === "work");
    expect(works.map(({ name, advanced }) => [name, advanced])).toEqual([
      ["variables", false],
      ["firmware", false],
      ["command", false],
    ]);
  });
});

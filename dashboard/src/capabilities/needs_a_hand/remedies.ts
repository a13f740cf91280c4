// The remedies of conditions: methods of the contract with a request that is filled in. Pure.
import type { DescMethod, DescMethodUnary, JsonObject } from "@bufbuild/protobuf";

import { IdTokenService } from "../../stubs/csms/auth/v1/id_token_service_pb";
import type { Condition } from "../../stubs/csms/condition/v1/condition_pb";
import { CommandService } from "../../stubs/csms/station/v1/command_service_pb";
import { StationService } from "../../stubs/csms/station/v1/station_service_pb";
import { TransactionService } from "../../stubs/csms/transaction/v1/transaction_service_pb";
import type { HandText } from "./text";

const METHODS: ReadonlyMap<string, DescMethodUnary> = new Map(
  [CommandService, StationService, TransactionService, IdTokenService].flatMap((service) =>
    (service.methods as DescMethodUnary[]).map((method) => [`${service.typeName}/${method.name}`, method] as const),
  ),
);

/** Fields that say which thing is meant: they are given, and not asked. */
const GIVEN = new Set(["stationId", "transactionId", "generation", "quarantineId", "idToken", "station", "updateMask"]);

export interface OfferedRemedy {
  key: string;
  label: string;
  method: DescMethodUnary;
  /** Fields that are not shown. */
  fixed: JsonObject;
  /** Fields that are filled in and can be changed. */
  initial: JsonObject;
}

function triggerLabel(request: JsonObject, t: HandText): string {
  switch (request.requestedMessage) {
    case "MESSAGE_TRIGGER_STATUS_NOTIFICATION":
      return t.remedies.askState;
    case "MESSAGE_TRIGGER_HEARTBEAT":
      return t.remedies.heartbeat;
    case "MESSAGE_TRIGGER_BOOT_NOTIFICATION":
      return t.remedies.boot;
    default:
      return t.remedies.renew;
  }
}

function isRejection(request: JsonObject): boolean {
  const station = request.station as JsonObject | undefined;
  return station?.registrationStatus === "REGISTRATION_STATUS_REJECTED";
}

export function remedyLabel(name: string, request: JsonObject, t: HandText): string {
  switch (name) {
    case "Reset":
      return t.remedies.restart;
    case "TriggerMessage":
      return triggerLabel(request, t);
    case "ChangeAvailability":
      return t.remedies.outOfService;
    case "UpdateStation":
      return isRejection(request) ? t.remedies.reject : t.remedies.accept;
    case "CloseConnection":
      return t.remedies.reconnect;
    case "RotateCredential":
      return t.remedies.newCredential;
    case "EndTransaction":
      return t.remedies.endSession;
    case "RequestStopTransaction":
      return t.remedies.stopCharging;
    case "ReassessTransaction":
      return t.remedies.reassess;
    case "RerunQuarantinedItem":
      return t.remedies.rerun;
    case "MendQuarantinedItem":
      return t.remedies.mend;
    case "DismissQuarantinedItem":
      return t.remedies.dismiss;
    case "AddSeenIdToken":
      return request.status === "Blocked" ? t.remedies.blockTag : t.remedies.addTag;
    default:
      return name;
  }
}

function split(request: JsonObject): { fixed: JsonObject; initial: JsonObject } {
  const parts: { fixed: JsonObject; initial: JsonObject } = { fixed: {}, initial: {} };
  for (const [name, value] of Object.entries(request)) {
    (GIVEN.has(name) ? parts.fixed : parts.initial)[name] = value;
  }
  return parts;
}

/** The remedies that the caller may use, the most fitting first; methods that this page does not know are left out. */
export function offeredRemedies(
  condition: Pick<Condition, "remedies">,
  can: (method: DescMethod) => boolean,
  t: HandText,
): OfferedRemedy[] {
  return condition.remedies.flatMap(({ method: name, request = {} }, index) => {
    const method = METHODS.get(name);
    if (!method || !can(method)) return [];
    return [
      { key: `${name}.${String(index)}`, label: remedyLabel(method.name, request, t), method, ...split(request) },
    ];
  });
}

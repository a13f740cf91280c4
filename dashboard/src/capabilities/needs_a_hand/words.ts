// Conditions in sentences. Pure.
import type { Formats } from "../../formats/formats";
import { sessionHref, stationHref } from "../../resources/hrefs";
import { ConditionKind, ConditionSeverity, type Condition } from "../../stubs/csms/condition/v1/condition_pb";
import type { HandText } from "./text";

export type SeverityName = "CRITICAL" | "WARNING" | "NOTICE";
type Words = Readonly<Record<string, string>>;
const KIND_NAMES: Readonly<Record<number, string | undefined>> = ConditionKind;

export function severityName(severity: ConditionSeverity): SeverityName {
  if (severity === ConditionSeverity.CRITICAL) return "CRITICAL";
  return severity === ConditionSeverity.WARNING ? "WARNING" : "NOTICE";
}

/** `STATION_OFFLINE`; also of kinds that this page does not know yet. */
export function kindName(kind: ConditionKind): string {
  return KIND_NAMES[kind] ?? String(kind);
}

export function kindWord(t: HandText, kind: ConditionKind): string {
  return (t.kinds as Words)[kindName(kind)] ?? kindName(kind);
}

function text(condition: Condition, name: string): string {
  const value = condition.details?.[name];
  return typeof value === "string" ? value : typeof value === "number" ? String(value) : "";
}

function number(condition: Condition, name: string): number {
  const value = condition.details?.[name];
  return typeof value === "number" ? value : 0;
}

function time(condition: Condition, name: string, formats: Formats): string {
  const ms = Date.parse(text(condition, name));
  return Number.isNaN(ms) ? "–" : formats.dateTime(ms);
}

function sentences(...parts: string[]): string {
  return parts.filter(Boolean).join(" · ");
}

function offline(condition: Condition, t: HandText): string {
  if (condition.reason === "HANDSHAKE_REFUSED") return t.why.refusedOffline;
  const code = number(condition, "closeCode");
  if (code === 1006) return t.why.lost;
  return code === 1000 || code === 1001 ? t.why.closedByItself : t.why.closeCode(String(code));
}

function faulted(condition: Condition): string {
  const code = text(condition, "errorCode");
  const vendor = text(condition, "vendorErrorCode");
  return sentences(code === "NoError" ? "" : code, text(condition, "info"), vendor);
}

function flagsOf(condition: Condition, t: HandText): string[] {
  const flags = condition.details?.flags;
  if (!Array.isArray(flags)) return [];
  return flags.filter((flag) => typeof flag === "string").map((flag) => (t.flags as Words)[flag] ?? flag);
}

/** The cause, for people. */
export function whyText(condition: Condition, t: HandText, formats: Formats): string {
  switch (condition.kind) {
    case ConditionKind.STATION_OFFLINE:
      return offline(condition, t);
    case ConditionKind.CONNECTOR_FAULTED:
      return faulted(condition);
    case ConditionKind.ALARM_OPEN:
      return sentences(
        `${text(condition, "component")}.${text(condition, "variable")}`,
        text(condition, "value"),
        text(condition, "techCode"),
        text(condition, "techInfo"),
      );
    case ConditionKind.BOOT_REFUSED:
      return condition.reason === "REGISTRATION_REJECTED"
        ? sentences(t.why.bootRejected, text(condition, "message"))
        : t.why.bootError(text(condition, "message"));
    case ConditionKind.STATION_PENDING:
      return sentences(text(condition, "vendorName"), text(condition, "model"), text(condition, "serialNumber"));
    case ConditionKind.STATION_UNRESPONSIVE:
      return t.why.unanswered(formats.number(number(condition, "unansweredCalls")));
    case ConditionKind.CLOCK_SKEWED: {
      const by = formats.duration(Math.abs(number(condition, "clockSkewS")));
      return condition.reason === "CLOCK_AHEAD" ? t.why.ahead(by) : t.why.behind(by);
    }
    case ConditionKind.CREDENTIAL_REFUSED: {
      const address = text(condition, "remoteAddress");
      return address ? t.why.refused(address) : t.why.refusedPlain;
    }
    case ConditionKind.TRANSACTION_HANGING:
      return t.why.hanging(formats.kWh(number(condition, "energyWh")), time(condition, "endTime", formats));
    case ConditionKind.ENERGY_DOUBTED:
      return t.why.doubted(formats.kWh(number(condition, "energyWh")), flagsOf(condition, t).join(", "));
    case ConditionKind.MESSAGE_QUARANTINED:
      return t.why.quarantined(condition.reason);
    case ConditionKind.ID_TOKEN_UNKNOWN:
      return t.why.unknownTag(condition.idToken);
    case ConditionKind.CERTIFICATE_EXPIRING:
      return t.why.certificate(time(condition, "endTime", formats));
    case ConditionKind.CERTIFICATE_EXPIRED:
      return t.why.certificateEnded(time(condition, "endTime", formats));
    default:
      return condition.reason;
  }
}

/** The place within the station: a connector, or the session. */
export function placeText(condition: Condition, t: HandText): string {
  const { evse, transactionId, kind } = condition;
  if (transactionId) return t.session(transactionId);
  if (evse && evse.evseId > 0) {
    return evse.connectorId > 1
      ? t.connector(`${String(evse.evseId)}.${String(evse.connectorId)}`)
      : t.connector(String(evse.evseId));
  }
  return kind === ConditionKind.CONNECTOR_FAULTED ? t.station : "";
}

/** The page that has more about it; undefined where there is none. */
export function hrefOf(condition: Condition): string | undefined {
  const { stationId, transactionId, generation } = condition;
  if (!stationId) return undefined;
  return transactionId ? sessionHref({ stationId, transactionId, generation }) : stationHref(stationId);
}

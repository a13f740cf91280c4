// Findings about a session in sentences: what was mended or doubted, and why. Pure.
import { timestampMs, type Timestamp } from "@bufbuild/protobuf/wkt";

import type { Formats } from "../../formats";
import { AuthorizationStatus } from "../../stubs/csms/common/v1/id_token_pb";
import { EnergyBasis, type Transaction } from "../../stubs/csms/transaction/v1/transaction_service_pb";
import { fallsOf, type Point } from "./readings";
import type { SessionText } from "./text";

export interface Finding {
  /** The flag of the contract, or a word of ours. */
  id: string;
  text: string;
  /** About the energy, and so about the bill. */
  isEnergy: boolean;
}

interface Context {
  session: Transaction;
  register: readonly Point[];
  t: SessionText;
  formats: Formats;
}

export const ENERGY_FLAGS: readonly string[] = [
  "begin_placeholder",
  "begin_implausible",
  "end_implausible",
  "energy_implausible",
  "meter_rollback",
  "meter_restart",
  "other_counter",
  "scale_mismatch",
  "series_mismatch",
  "signed_differs",
];

export const SESSION_FLAGS: readonly string[] = [
  "clock_skew",
  "missing_start",
  "late_stop",
  "conflicting_stop",
  "seq_gap",
  "refused_token",
  "superseded",
  "abandoned",
  "operator_end",
  "station_deleted",
];

function at(context: Context, time: Timestamp | undefined): string {
  return time ? context.formats.dateTime(timestampMs(time)) : "–";
}

function kWh(context: Context, wh: number | undefined): string {
  return wh === undefined ? "–" : context.formats.kWh(wh);
}

/** The sentence about a register that started over, with the energy on both sides, as the readings show it. */
function restart(context: Context): string {
  const { register, t, formats } = context;
  const fall = fallsOf(register).at(-1);
  const first = register[0];
  const last = register.at(-1);
  if (!fall || !first || !last) return t.found.meter_restart;
  return t.found.restartAt(
    formats.dateTime(fall.after.timeMs),
    kWh(context, fall.before.value - first.value),
    kWh(context, last.value - fall.after.value),
    kWh(context, fall.before.value),
    kWh(context, fall.after.value),
  );
}

function rollback(context: Context): string {
  const { register, t, formats, session } = context;
  const fall = session.flags.includes("meter_restart") ? undefined : fallsOf(register)[0];
  if (!fall) return t.found.meter_rollback;
  return t.found.rollbackAt(
    formats.dateTime(fall.after.timeMs),
    kWh(context, fall.before.value),
    kWh(context, fall.after.value),
  );
}

function placeholder(context: Context): string {
  const { session, t } = context;
  const counted = kWh(context, session.believedMeterStartWh);
  const source =
    session.energyBasis === EnergyBasis.PREVIOUS_TRANSACTION
      ? t.countedFrom.PREVIOUS_TRANSACTION(counted)
      : session.energyBasis === EnergyBasis.FIRST_READING
        ? t.countedFrom.FIRST_READING(counted)
        : t.countedFrom.OTHER;
  return t.found.begin_placeholder(kWh(context, session.meterStartWh), source);
}

function refused(context: Context): string {
  const { session, t } = context;
  const name = AuthorizationStatus[session.authorizationStatus] as string | undefined;
  const why = (t.authorization as Readonly<Record<string, string>>)[name ?? ""];
  return why && session.idToken ? t.found.refused_token(session.idToken.idToken, why) : t.found.refusedTokenPlain;
}

function operatorEnd(context: Context): string {
  const { operatorEnd: end } = context.session;
  const { t } = context;
  return end ? t.found.operator_end(end.username, at(context, end.requestTime), end.reason) : t.found.operatorEndPlain;
}

function sentence(flag: string, context: Context): string {
  const { session, t } = context;
  switch (flag) {
    case "begin_placeholder":
      return placeholder(context);
    case "begin_implausible":
      return t.found.begin_implausible(kWh(context, session.meterStartWh), kWh(context, session.believedMeterStartWh));
    case "end_implausible":
      return t.found.end_implausible(kWh(context, session.meterStopWh), kWh(context, session.believedMeterStopWh));
    case "energy_implausible":
      return t.found.energy_implausible(kWh(context, session.energyWh));
    case "scale_mismatch":
      return t.found.scale_mismatch(kWh(context, session.energyWh));
    case "signed_differs":
      return session.energyBasis === EnergyBasis.SIGNED_REGISTER ? t.found.signedCounted : t.found.signedLeft;
    case "meter_restart":
      return restart(context);
    case "meter_rollback":
      return rollback(context);
    case "refused_token":
      return refused(context);
    case "operator_end":
      return operatorEnd(context);
    case "superseded":
      return t.found.superseded(at(context, session.endTime));
    case "abandoned":
      return t.found.abandoned(at(context, session.endTime));
    case "late_stop":
      return t.found.late_stop(session.operatorEnd ? ` ${operatorEnd(context)}` : "");
    case "clock_skew":
    case "missing_start":
    case "conflicting_stop":
    case "seq_gap":
    case "station_deleted":
    case "orphan":
    case "other_counter":
    case "series_mismatch":
      return t.found[flag];
    default:
      return t.found.other(flag);
  }
}

/** Findings that are to be read before a bill is sent, those about energy first. */
export function findingsOf(context: Context): Finding[] {
  const { session, t } = context;
  // A restart is a fall too, which is said once.
  const isSaid = session.flags.includes("meter_restart") && fallsOf(context.register).length < 2;
  const flags = session.flags.filter((flag) => flag !== "meter_rollback" || !isSaid);
  const found: Finding[] = flags.map((flag) => ({
    id: flag,
    text: sentence(flag, context),
    isEnergy: ENERGY_FLAGS.includes(flag),
  }));
  if (session.energyBasis === EnergyBasis.NONE)
    found.unshift({ id: "no_basis", text: t.found.noBasis, isEnergy: true });
  if (session.hanging)
    found.push({ id: "hanging", text: t.found.hanging(at(context, session.hangingTime)), isEnergy: false });
  if (session.reassessTime) {
    const text = t.found.reassessed(session.reassessedBy, at(context, session.reassessTime));
    found.push({ id: "reassessed", text, isEnergy: true });
  }
  return [...found.filter((one) => one.isEnergy), ...found.filter((one) => !one.isEnergy)];
}

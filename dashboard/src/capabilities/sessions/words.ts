// Words and figures of a session. Pure.
import { timestampMs } from "@bufbuild/protobuf/wkt";

import { ChargingState, StoppedReason } from "../../stubs/csms/transaction/v1/transaction_event_pb";
import {
  EnergyBasis,
  TransactionEndOrigin,
  TransactionState,
  type Transaction,
} from "../../stubs/csms/transaction/v1/transaction_service_pb";
import type { SessionText } from "./text";

export type Words = Readonly<Record<string, string>>;

function wordOf(words: Words, names: Readonly<Record<number, string>>, value: number): string {
  const name = names[value] ?? "";
  return value === 0 ? "" : (words[name] ?? name);
}

export const reasonWord = (t: SessionText, value: StoppedReason) => wordOf(t.reasons, StoppedReason, value);
export const originWord = (t: SessionText, value: TransactionEndOrigin) =>
  wordOf(t.origins, TransactionEndOrigin, value);
export const basisWord = (t: SessionText, value: EnergyBasis) => wordOf(t.bases, EnergyBasis, value);
export const chargingWord = (t: SessionText, value: ChargingState) => wordOf(t.chargingStates, ChargingState, value);

export function isOpen(session: Pick<Transaction, "state">): boolean {
  return session.state === TransactionState.ACTIVE;
}

/** `2`, or `2.1` where the EVSE has several connectors. */
export function placeOf(session: Pick<Transaction, "evse">): string {
  const { evse } = session;
  if (!evse || evse.evseId === 0) return "–";
  return evse.connectorId > 1 ? `${String(evse.evseId)}.${String(evse.connectorId)}` : String(evse.evseId);
}

export function durationS(session: Transaction): number | undefined {
  const begin = session.startTime ?? session.createTime;
  if (!begin || !session.endTime) return undefined;
  return Math.max(0, (timestampMs(session.endTime) - timestampMs(begin)) / 1000);
}

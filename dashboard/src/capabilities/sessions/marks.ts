// The marks of a session's chart: begin, end, changes of charging, and what went wrong. Pure.
import { timestampMs } from "@bufbuild/protobuf/wkt";

import type { ChartMark } from "../../charts";
import { AuthorizationStatus } from "../../stubs/csms/common/v1/id_token_pb";
import { ChargingState, TransactionEventType } from "../../stubs/csms/transaction/v1/transaction_event_pb";
import type { RecordedTransactionEvent } from "../../stubs/csms/transaction/v1/transaction_service_pb";
import { chargingWord } from "./words";
import { fallsOf, type Point } from "./readings";
import type { SessionText } from "./text";

function isRefused(status: AuthorizationStatus): boolean {
  return status !== AuthorizationStatus.UNSPECIFIED && status !== AuthorizationStatus.ACCEPTED;
}

/** Marks that are closer than this part of the whole are one, so that their words do not cover each other. */
const CLOSE = 0.12;

function joined(marks: readonly ChartMark[]): ChartMark[] {
  const sorted = [...marks].sort((a, b) => a.timeMs - b.timeMs);
  const span = (sorted.at(-1)?.timeMs ?? 0) - (sorted[0]?.timeMs ?? 0);
  const result: { timeMs: number; labels: string[] }[] = [];
  for (const { timeMs, label } of sorted) {
    const last = result.at(-1);
    if (last && timeMs - last.timeMs <= span * CLOSE) {
      if (!last.labels.includes(label)) last.labels.push(label);
    } else {
      result.push({ timeMs, labels: [label] });
    }
  }
  return result.map(({ timeMs, labels }) => ({ timeMs, label: labels.join(", ") }));
}

export function marksOf(
  events: readonly RecordedTransactionEvent[],
  register: readonly Point[],
  t: SessionText,
): ChartMark[] {
  const marks: ChartMark[] = [];
  let charging = ChargingState.UNSPECIFIED;
  for (const { event, receiveTime, authorizationStatus } of events) {
    const time = event?.eventTime ?? receiveTime;
    if (!event || !time) continue;
    const timeMs = timestampMs(time);
    if (event.eventType === TransactionEventType.STARTED) marks.push({ timeMs, label: t.kinds.STARTED });
    if (event.eventType === TransactionEventType.ENDED) marks.push({ timeMs, label: t.kinds.ENDED });
    if (isRefused(authorizationStatus)) marks.push({ timeMs, label: t.refusedMark });
    if (event.chargingState !== ChargingState.UNSPECIFIED && event.chargingState !== charging) {
      charging = event.chargingState;
      marks.push({ timeMs, label: chargingWord(t, charging) });
    }
  }
  for (const { after } of fallsOf(register)) marks.push({ timeMs: after.timeMs, label: t.restartMark });
  return joined(marks);
}

export { isRefused };

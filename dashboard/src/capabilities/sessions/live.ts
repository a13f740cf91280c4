// Sessions of a list, kept up by events.
import { clientOf } from "../../api/transport";
import type { LiveEvent } from "../../live";
import {
  TransactionService,
  TransactionState,
  type Transaction,
} from "../../stubs/csms/transaction/v1/transaction_service_pb";

export const SESSION_EVENTS = { types: ["transaction."] } as const;

export function sessionKey(session: Pick<Transaction, "stationId" | "transactionId" | "generation">): string {
  return `${session.stationId}\n${session.transactionId}\n${String(session.generation)}`;
}

export function keyOfEvent(event: LiveEvent): string {
  const { transactionId, generation } = event.data;
  const name = typeof transactionId === "string" ? transactionId : "";
  return [event.stationId, name, typeof generation === "number" ? generation : 1].join("\n");
}

/** An update of an ongoing session is applied; its begin and its end change more than the event says. */
export function applySessionEvent(
  session: Transaction | undefined,
  event: LiveEvent,
): Transaction | "reload" | undefined {
  if (!session) return event.type === "transaction.started" ? "reload" : undefined;
  const { energyWh, powerW, believedMeterStopWh, flags, hanging, remoteStartId } = event.data;
  const ordinary =
    event.type === "transaction.updated" &&
    session.state === TransactionState.ACTIVE &&
    flags === undefined &&
    hanging === undefined &&
    !session.hanging &&
    (remoteStartId === undefined || remoteStartId === session.remoteStartId) &&
    session.flags.length === 0;
  if (!ordinary || typeof energyWh !== "number") return "reload";
  return {
    ...session,
    energyWh,
    ...(typeof powerW === "number" ? { powerW } : {}),
    ...(typeof believedMeterStopWh === "number" ? { believedMeterStopWh } : {}),
  };
}

export async function readSession(key: string): Promise<Transaction | undefined> {
  const [stationId = "", transactionId = "", generation = ""] = key.split("\n");
  const request = { stationId, transactionId, generation: Number(generation) };
  return (await clientOf(TransactionService).getTransaction(request)).transaction;
}

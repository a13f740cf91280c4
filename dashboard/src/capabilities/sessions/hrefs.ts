import type { Transaction } from "../../stubs/csms/transaction/v1/transaction_service_pb";

/** The page of a session; a name that its station has used again needs its generation too. */
export function sessionHref(session: Pick<Transaction, "stationId" | "transactionId" | "generation">): string {
  const path = `/stations/${encodeURIComponent(session.stationId)}/sessions/${encodeURIComponent(session.transactionId)}`;
  return session.generation > 1 ? `${path}?generation=${String(session.generation)}` : path;
}

export function stationHref(stationId: string): string {
  return `/stations/${encodeURIComponent(stationId)}`;
}

// The session of a connector. Pure.
import type { Transaction } from "../../stubs/csms/transaction/v1/transaction_service_pb";

/** The session at a connector; one that names its EVSE alone is at each of the EVSE's connectors. */
export function sessionAt(
  sessions: readonly Transaction[],
  evseId: number,
  connectorId: number,
): Transaction | undefined {
  return sessions.find(({ evse }) => {
    if (evse?.evseId !== evseId) return false;
    return evse.connectorId === 0 || evse.connectorId === connectorId;
  });
}

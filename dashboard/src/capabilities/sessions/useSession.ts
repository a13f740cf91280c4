// A session with its events, kept up while it is open.
import { useQuery } from "@connectrpc/connect-query";
import { useEffect } from "react";

import { useLiveInvalidation } from "../../live";
import {
  TransactionService,
  type RecordedTransactionEvent,
  type Transaction,
} from "../../stubs/csms/transaction/v1/transaction_service_pb";
import { usePagedRows } from "../../tables";

/** The chart has no more than these; a session of two days that is measured every minute has 2,900. */
const MOST_EVENTS = 10_000;

export interface SessionName {
  stationId: string;
  transactionId: string;
  /** 0: the latest use of the name. */
  generation: number;
}

export interface SessionData {
  session: Transaction | undefined;
  error: unknown;
  refetch: () => void;
}

export function useSession(name: SessionName): SessionData {
  const { data, error, refetch } = useQuery(TransactionService.method.getTransaction, name);
  useLiveInvalidation(
    { types: ["transaction."], stationId: name.stationId },
    TransactionService.method.getTransaction,
    TransactionService.method.listTransactionEvents,
  );
  return { session: data?.transaction, error, refetch: () => void refetch() };
}

export function eventKey({ epoch, ordinal, event }: RecordedTransactionEvent): string {
  return `${String(epoch)}.${String(ordinal)}.${String(event?.eventType)}`;
}

/** All events, which are loaded one page after another. */
export function useSessionEvents(session: Transaction) {
  const { stationId, transactionId, generation } = session;
  const paged = usePagedRows({
    method: TransactionService.method.listTransactionEvents,
    request: { stationId, transactionId, generation },
    field: "events",
    rowKey: eventKey,
    pageSize: 1000,
  });
  const { hasMore, isLoadingMore, loadMore, rows, error } = paged;
  const isPartial = rows.length >= MOST_EVENTS && hasMore;
  useEffect(() => {
    if (hasMore && !isLoadingMore && !isPartial && !error) loadMore();
  }, [hasMore, isLoadingMore, isPartial, error, loadMore]);
  return { ...paged, isPartial };
}

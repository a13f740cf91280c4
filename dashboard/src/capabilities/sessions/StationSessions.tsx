// The sessions of one station, as a tab of its page.
import { sessionHref } from "../../resources/hrefs";
import { TransactionService } from "../../stubs/csms/transaction/v1/transaction_service_pb";
import { RpcList } from "../../tables";
import { EmptyState } from "../../ui";
import { sessionColumns } from "./columns";
import { applySessionEvent, keyOfEvent, readSession, SESSION_EVENTS, sessionKey } from "./live";
import { useSessionText } from "./text";

export default function StationSessions(props: { stationId: string }) {
  const t = useSessionText();
  const { stationId } = props;
  return (
    <RpcList
      label={t.title}
      method={TransactionService.method.listTransactions}
      request={{ stationId }}
      field="transactions"
      columns={sessionColumns(t).filter(({ id }) => id !== "station")}
      rowKey={sessionKey}
      href={sessionHref}
      live={{
        filter: { ...SESSION_EVENTS, stationId },
        keyOf: keyOfEvent,
        apply: applySessionEvent,
        reload: readSession,
      }}
      empty={
        <EmptyState title={t.emptyTitle} icon="session">
          <p>{t.emptyText}</p>
        </EmptyState>
      }
      fill={false}
      name="sessions"
      ignoreScope
    />
  );
}

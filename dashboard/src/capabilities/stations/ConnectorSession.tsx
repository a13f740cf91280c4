// The session that charges at a connector now: its figures, the way to its page, and its stop.
import { useQuery } from "@connectrpc/connect-query";

import { usePermissions } from "../../api/permissions";
import { Since, useFormats } from "../../formats";
import { useLiveInvalidation } from "../../live";
import { StopForm } from "../../resources";
import { sessionHref } from "../../resources/hrefs";
import { useResourceText } from "../../resources/text";
import { CommandService } from "../../stubs/csms/station/v1/command_service_pb";
import { TransactionService, type Transaction } from "../../stubs/csms/transaction/v1/transaction_service_pb";
import { Button, Dialog, Link } from "../../ui";
import styles from "./stations.module.css";
import { useStationText } from "./text";

const { listTransactions } = TransactionService.method;
const { requestStopTransaction } = CommandService.method;

/** The ongoing sessions of a station, kept up by its events; none for those who may not read sessions. */
export function useOngoing(stationId: string): readonly Transaction[] {
  const permissions = usePermissions();
  const request = { stationId, filter: 'state = "ACTIVE"', pageSize: 100 };
  const { data } = useQuery(listTransactions, request, { enabled: permissions.can(listTransactions) });
  useLiveInvalidation({ types: ["transaction."], stationId }, listTransactions);
  return data?.transactions ?? [];
}

export function ConnectorSession(props: { session: Transaction; onStop: (session: Transaction) => void }) {
  const t = useStationText();
  const words = useResourceText();
  const formats = useFormats();
  const permissions = usePermissions();
  const { session, onStop } = props;
  const begin = session.startTime ?? session.createTime;
  return (
    <div className={styles.session}>
      <Link href={sessionHref(session)}>{t.sessionOf(session.idToken?.idToken ?? "")}</Link>
      <span className={styles.figures}>
        <span>{formats.kWh(session.energyWh)}</span>
        {session.powerW !== undefined && <span>{formats.kW(session.powerW)}</span>}
        {begin && (
          <span>
            <Since value={begin} />
          </span>
        )}
      </span>
      {permissions.can(requestStopTransaction) && (
        <Button
          small
          icon="stop"
          onPress={() => {
            onStop(session);
          }}
        >
          {words.stop}
        </Button>
      )}
    </div>
  );
}

/** Asks before the stop, and has the station's answer; the energy is on the session's page. */
export function StopDialog(props: { session: Transaction; onClose: () => void }) {
  const t = useStationText();
  const words = useResourceText();
  const { session, onClose } = props;
  const { stationId, transactionId } = session;
  return (
    <Dialog title={`${words.stop}: ${stationId} · ${transactionId}`} isOpen onClose={onClose}>
      <StopForm stationId={stationId} transactionId={transactionId} />
      <p>
        <Link href={sessionHref(session)}>{t.toSession}</Link>
      </p>
    </Dialog>
  );
}

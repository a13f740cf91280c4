import { useQueryClient } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";

import { invalidate } from "../../api/queries";
import { usePermissions } from "../../api/permissions";
import { useFormats } from "../../formats";
import { MethodForm } from "../../forms";
import { StopForm } from "../../resources";
import { useResourceText } from "../../resources/text";
import { CommandService } from "../../stubs/csms/station/v1/command_service_pb";
import { TransactionService, type Transaction } from "../../stubs/csms/transaction/v1/transaction_service_pb";
import { Button, Dialog, toast } from "../../ui";
import { isOpen } from "./words";
import styles from "./sessions.module.css";
import { useSessionText } from "./text";

const { endTransaction, getTransaction, listTransactionEvents, reassessTransaction } = TransactionService.method;
const { requestStopTransaction } = CommandService.method;

type Action = "stop" | "end" | "reassess";

/** The actions that the state of the session calls for: stop it, end it where it hangs, assess what is doubted. */
export function SessionActions(props: { session: Transaction }) {
  const t = useSessionText();
  const words = useResourceText();
  const permissions = usePermissions();
  const { session } = props;
  const [action, setAction] = useState<Action>();
  const open = isOpen(session);
  const openIt = (next: Action) => () => {
    setAction(next);
  };
  return (
    <>
      {open && permissions.can(requestStopTransaction) && (
        <Button icon="stop" kind={session.hanging ? "plain" : "primary"} onPress={openIt("stop")}>
          {words.stop}
        </Button>
      )}
      {open && permissions.can(endTransaction) && (
        <Button icon="check" kind={session.hanging ? "primary" : "plain"} onPress={openIt("end")}>
          {t.endSession}
        </Button>
      )}
      {permissions.can(reassessTransaction) && (
        <Button icon="refresh" onPress={openIt("reassess")}>
          {t.reassess}
        </Button>
      )}
      {action && (
        <ActionDialog
          action={action}
          session={session}
          onClose={() => {
            setAction(undefined);
          }}
        />
      )}
    </>
  );
}

function ActionDialog(props: { action: Action; session: Transaction; onClose: () => void }) {
  const t = useSessionText();
  const words = useResourceText();
  const { action, session, onClose } = props;
  const titles: Record<Action, string> = { stop: words.stop, end: t.endSession, reassess: t.reassess };
  const texts: Record<Exclude<Action, "stop">, string> = { end: t.endText, reassess: t.reassessText };
  return (
    <Dialog title={`${titles[action]}: ${session.stationId} · ${session.transactionId}`} isOpen onClose={onClose}>
      {action !== "stop" && <p className={styles.explain}>{texts[action]}</p>}
      <ActionForm {...props} />
    </Dialog>
  );
}

function ActionForm(props: { action: Action; session: Transaction; onClose: () => void }): ReactNode {
  const t = useSessionText();
  const formats = useFormats();
  const client = useQueryClient();
  const { session, action, onClose } = props;
  const { stationId, transactionId, generation, energyWh } = session;
  const refresh = () => {
    invalidate(client, getTransaction, listTransactionEvents);
  };
  const done = (text: string) => {
    refresh();
    onClose();
    toast(text);
  };
  switch (action) {
    case "stop":
      return <StopForm stationId={stationId} transactionId={transactionId} onDone={refresh} />;
    case "end":
      return (
        <MethodForm
          method={endTransaction}
          fixed={{ stationId, transactionId, generation }}
          action={t.endSession}
          onDone={() => {
            done(t.endedNow);
          }}
        />
      );
    case "reassess":
      return (
        <MethodForm
          method={reassessTransaction}
          fixed={{ stationId, transactionId }}
          action={t.reassess}
          onDone={({ transaction }) => {
            const after = transaction?.energyWh ?? energyWh;
            const both = t.both(formats.kWh(energyWh), formats.kWh(after));
            done(after === energyWh ? t.reassessSame : both);
          }}
        />
      );
  }
}

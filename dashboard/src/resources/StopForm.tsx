import { MethodForm } from "../forms";
import { CommandService } from "../stubs/csms/station/v1/command_service_pb";
import { useResourceText } from "./text";

const { requestStopTransaction } = CommandService.method;

/** Asks before the stop of a session, and has the station's answer. */
export function StopForm(props: { stationId: string; transactionId: string; onDone?: () => void }) {
  const t = useResourceText();
  const { stationId, transactionId, ...rest } = props;
  return (
    <MethodForm
      method={requestStopTransaction}
      fixed={{ stationId, transactionId }}
      hidden={["send_unknown"]}
      intro={t.stopText(stationId)}
      action={t.stop}
      {...rest}
    />
  );
}

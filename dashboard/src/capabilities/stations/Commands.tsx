import type { DescMethodUnary } from "@bufbuild/protobuf";

import { usePermissions } from "../../api/permissions";
import { MethodForm, methodLabel } from "../../forms";
import { CommandService } from "../../stubs/csms/station/v1/command_service_pb";
import type { Station } from "../../stubs/csms/station/v1/station_pb";
import { cx, EmptyState, Section, useUrlParameter } from "../../ui";
import styles from "./stations.module.css";
import { useStationText } from "./text";

const METHODS = CommandService.methods as DescMethodUnary[];

/** The methods of CommandService that the caller may call. */
export function useCommands(): readonly DescMethodUnary[] {
  const permissions = usePermissions();
  return METHODS.filter((method) => permissions.can(method));
}

/** Every method of CommandService that the caller may call, as a form made from the contract. */
export function Commands(props: { station: Station }) {
  const t = useStationText();
  const offered = useCommands();
  const [name, setName] = useUrlParameter("command", offered[0]?.name ?? "");
  const method = offered.find((one) => one.name === name) ?? offered[0];
  if (!method) return <EmptyState title={t.noCommands} icon="terminal" />;
  return (
    <div className={styles.commands}>
      <nav aria-label={t.commandList} className={styles.commandList}>
        {offered.map((one) => (
          <button
            key={one.name}
            type="button"
            aria-current={one === method ? "true" : undefined}
            className={cx(styles.command, one === method && styles.currentCommand)}
            onClick={() => {
              setName(one.name);
            }}
          >
            {methodLabel(one.name)}
          </button>
        ))}
      </nav>
      <Section title={methodLabel(method.name)} className={styles.commandForm ?? ""}>
        {!props.station.connected && <p className={styles.warning}>{t.commandsOffline}</p>}
        <MethodForm key={method.name} method={method} fixed={{ stationId: props.station.stationId }} />
      </Section>
    </div>
  );
}

// Actions on chosen stations. A command is a rollout, whose page has the answer of each station; the others are runs.
import type { DescField, DescMethod, JsonObject } from "@bufbuild/protobuf";
import { useState } from "react";

import { usePermissions, type Permissions } from "../../api/permissions";
import { MethodForm, methodLabel } from "../../forms";
import { CommandService } from "../../stubs/csms/station/v1/command_service_pb";
import { LocalListService } from "../../stubs/csms/station/v1/local_list_service_pb";
import { CommandRolloutSchema, RolloutService } from "../../stubs/csms/station/v1/rollout_service_pb";
import type { Station } from "../../stubs/csms/station/v1/station_pb";
import { StationService } from "../../stubs/csms/station/v1/station_service_pb";
import { Button, ConfirmDialog, Dialog, MenuButton, useGo } from "../../ui";
import type { RunAction } from "./runs";
import { useStationText, type StationText } from "./text";
import { runHref, runs } from "./window_runs";

const METHODS: readonly DescMethod[] = [...CommandService.methods, ...LocalListService.methods];
const REQUEST = RolloutService.method.createRollout.input.typeName;
const RUNS = { accept: StationService.method.updateStation, reconnect: StationService.method.closeConnection } as const;

interface Work {
  id: string;
  label: string;
  /** The work of the rollout, as ProtoJSON. */
  initial: JsonObject;
  /** The fields of the request that it has chosen, by their full names. */
  choices: readonly string[];
}

function methodOf(field: DescField): DescMethod | undefined {
  return METHODS.find((method) => method.input.typeName === field.message?.typeName);
}

/** The works of a rollout that the caller may do: each command for many stations, settings, firmware. */
function worksOf(permissions: Permissions, t: StationText): Work[] {
  if (!permissions.can(RolloutService.method.createRollout)) return [];
  const commands = CommandRolloutSchema.fields.flatMap((field) => {
    const method = methodOf(field);
    if (!method || !permissions.can(method)) return [];
    const choices = [`${REQUEST}.command`, `${CommandRolloutSchema.typeName}.${field.name}`];
    return [
      { id: field.name, label: methodLabel(method.name), initial: { command: { [field.jsonName]: {} } }, choices },
    ];
  });
  return [
    ...commands,
    { id: "variables", label: t.setVariables, initial: { variables: {} }, choices: [`${REQUEST}.variables`] },
    { id: "firmware", label: t.updateFirmware, initial: { firmware: {} }, choices: [`${REQUEST}.firmware`] },
  ];
}

/** The works that are offered for stations chosen in the list. */
export function BulkActions(props: { selected: readonly Station[]; clear: () => void }) {
  const t = useStationText();
  const permissions = usePermissions();
  const [work, setWork] = useState<Work>();
  const [action, setAction] = useState<RunAction>();
  const works = worksOf(permissions, t);
  return (
    <>
      {works.length > 0 && (
        <MenuButton
          label={t.sendCommand}
          text={t.sendCommand}
          icon="terminal"
          entries={works.map((one) => ({
            id: one.id,
            label: one.label,
            separated: one.id === "variables",
            onAction: () => {
              setWork(one);
            },
          }))}
        />
      )}
      {permissions.can(RUNS.accept) && (
        <Button
          small
          icon="check"
          onPress={() => {
            setAction("accept");
          }}
        >
          {t.acceptStations}
        </Button>
      )}
      {permissions.can(RUNS.reconnect) && (
        <Button
          small
          icon="refresh"
          onPress={() => {
            setAction("reconnect");
          }}
        >
          {t.closeConnections}
        </Button>
      )}
      {work && <WorkDialog {...props} work={work} onClose={setWork} />}
      {action && <RunDialog {...props} action={action} onClose={setAction} />}
    </>
  );
}

/** The rollout of a work as a form; once it is made, its page follows. */
function WorkDialog(props: {
  selected: readonly Station[];
  clear: () => void;
  work: Work;
  onClose: (none: undefined) => void;
}) {
  const t = useStationText();
  const go = useGo();
  const { selected, work } = props;
  const title = t.forStations(work.label, selected.length);
  return (
    <Dialog
      title={title}
      isOpen
      wide
      onClose={() => {
        props.onClose(undefined);
      }}
    >
      <MethodForm
        method={RolloutService.method.createRollout}
        action={work.label}
        fixed={{ stationIds: selected.map(({ stationId }) => stationId) }}
        hidden={["filter"]}
        initial={work.initial}
        choices={work.choices}
        confirm={{ title: `${title}?`, text: <p>{t.rolloutText}</p>, count: selected.length }}
        answer={false}
        onDone={({ rollout }) => {
          props.clear();
          if (rollout) go(`/rollouts/${encodeURIComponent(rollout.rolloutId)}`);
        }}
      />
    </Dialog>
  );
}

/** Asks, for more than ten by their number, and goes to the page of the answers. */
function RunDialog(props: {
  selected: readonly Station[];
  clear: () => void;
  action: RunAction;
  onClose: (none: undefined) => void;
}) {
  const t = useStationText();
  const go = useGo();
  const { selected, action } = props;
  const label = action === "accept" ? t.acceptStations : t.closeConnections;
  return (
    <ConfirmDialog
      title={`${t.forStations(label, selected.length)}?`}
      action={label}
      count={selected.length}
      isOpen
      onClose={() => {
        props.onClose(undefined);
      }}
      onConfirm={() => {
        props.clear();
        go(runHref(runs.begin(action, selected)));
      }}
    >
      <p>{action === "accept" ? t.acceptText : t.reconnectText}</p>
    </ConfirmDialog>
  );
}

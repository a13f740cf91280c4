import type { ReactNode } from "react";

import { useFormats } from "../../formats";
import { enumColumn, numberColumn, ResourcePage, textColumn, type ResourceMethod } from "../../resources";
import { stationHref } from "../../resources/hrefs";
import {
  SimulatedStationSchema,
  SimulatedStationState,
  SimulatedStationStateSchema,
  SimulatorService,
  type SimulatedStation,
} from "../../stubs/csms/simulator/v1/simulator_service_pb";
import { EmptyState, Link } from "../../ui";
import { useText, type Text } from "./text";

const { method } = SimulatorService;

function sum(row: SimulatedStation, of: (evse: SimulatedStation["evses"][number]) => number): number {
  return row.evses.reduce((total, evse) => total + of(evse), 0);
}

function actionsOf(t: Text): ResourceMethod<SimulatedStation>[] {
  const fixed = (row: SimulatedStation) => ({ stationId: row.stationId });
  const firstEvse = (row: SimulatedStation) => ({ evseId: row.evses[0]?.evseId ?? 1 });
  const charging = (row: SimulatedStation) => ({
    evseId: row.evses.find((evse) => evse.transaction)?.evseId ?? row.evses[0]?.evseId ?? 1,
  });
  return [
    { method: method.plugIn, label: t.plugIn, icon: "plug", fixed, initial: firstEvse },
    { method: method.presentIdToken, label: t.present, icon: "token", fixed, initial: charging },
    { method: method.unplug, label: t.unplug, icon: "close", fixed, initial: charging },
    { method: method.fault, label: t.fault, icon: "alert", fixed, initial: firstEvse },
    { method: method.clearFault, label: t.clear, icon: "check", fixed, initial: firstEvse },
    {
      method: method.goOffline,
      label: t.offline,
      icon: "wifiOff",
      fixed,
      isOffered: (row) => row.state !== SimulatedStationState.LINE_CUT,
    },
    {
      method: method.goOnline,
      label: t.online,
      icon: "link",
      fixed,
      isOffered: (row) => row.state === SimulatedStationState.LINE_CUT,
    },
    { method: method.misbehave, label: t.misbehave, icon: "help", fixed },
    { method: method.getSimulatedStation, label: t.look, icon: "search", fixed, keepsAnswer: true },
    { method: method.stopSimulatedStation, label: t.stop, icon: "stop", danger: true, fixed },
  ];
}

export default function SimulatorPage(): ReactNode {
  const t = useText();
  const formats = useFormats();
  return (
    <ResourcePage
      title={t.title}
      label={t.title}
      method={method.listSimulatedStations}
      field="stations"
      schema={SimulatedStationSchema}
      rowKey={(row) => row.stationId}
      columns={[
        enumColumn<SimulatedStation>("state", t.state, SimulatedStationStateSchema, (row) => row.state, {
          [SimulatedStationState.ONLINE]: "good",
          [SimulatedStationState.LINE_CUT]: "bad",
        }),
        {
          id: "station",
          label: t.station,
          card: "head",
          sortBy: (row) => row.stationId,
          cell: (row) => <Link href={stationHref(row.stationId)}>{row.stationId}</Link>,
        },
        textColumn<SimulatedStation>("evses", t.evses, (row) => row.evses.map((evse) => evse.status).join(", "), {
          width: "minmax(160px, 1.4fr)",
        }),
        numberColumn<SimulatedStation>("power", t.power, (row) => sum(row, (evse) => evse.powerW), formats.kW),
        numberColumn<SimulatedStation>(
          "energy",
          t.energy,
          (row) => sum(row, (evse) => Number(evse.registerWh)),
          formats.kWh,
          {
            width: "140px",
          },
        ),
        numberColumn<SimulatedStation>(
          "queued",
          t.queued,
          (row) => row.queuedMessageCount,
          (value) => formats.number(Number(value)),
          { width: "170px" },
        ),
        textColumn<SimulatedStation>("version", t.version, (row) => row.ocppVersion, { width: "80px" }),
        textColumn<SimulatedStation>("drivers", t.drivers, (row) => (row.drivers ? t.yes : t.no), { optional: true }),
        textColumn<SimulatedStation>("model", t.model, (row) => `${row.vendor} ${row.model}`, { optional: true }),
      ]}
      live={{
        filter: { types: ["station.status_changed", "station.connected", "station.disconnected", "transaction."] },
        keyOf: (event) => event.stationId,
        apply: () => "reload",
      }}
      creates={[{ method: method.startSimulatedStation, label: t.start, icon: "play" }]}
      actions={actionsOf(t)}
      ignoreScope
      empty={
        <EmptyState title={t.empty} icon="station">
          <p>{t.emptyText}</p>
        </EmptyState>
      }
    />
  );
}

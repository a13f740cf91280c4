import type { ReactNode } from "react";

import { readError } from "../../api/errors";
import { usePermissions } from "../../api/permissions";
import { clientOf } from "../../api/transport";
import { ResourcePage } from "../../resources";
import { RegistrationStatus, type Station } from "../../stubs/csms/station/v1/station_pb";
import { StationService } from "../../stubs/csms/station/v1/station_service_pb";
import { quoted, type Filter } from "../../tables";
import { Button, EmptyState, toast } from "../../ui";
import { useUiText } from "../../ui/text";
import { nameOf, stationColumns, stationHref } from "./columns";
import { applyStationEvent, STATION_EVENTS } from "./live";
import { useStationText, type StationText } from "./text";

const stations = clientOf(StationService);

function stationFilters(t: StationText): Filter[] {
  return [
    {
      id: "connection",
      label: t.connection,
      options: [
        { id: "online", label: t.online },
        { id: "offline", label: t.offline },
      ],
      clause: (value) => `connected = ${String(value === "online")}`,
    },
    {
      id: "problem",
      label: t.problem,
      options: [
        { id: "unresponsive", label: t.unresponsive },
        { id: "clock_skewed", label: t.clockSkew },
        { id: "boot_refused", label: t.bootRefused },
      ],
      clause: (value) => `${value} = true`,
    },
    {
      id: "registration",
      label: t.registration,
      options: [
        { id: "ACCEPTED", label: t.accepted },
        { id: "PENDING", label: t.pending },
        { id: "REJECTED", label: t.rejected },
      ],
      clause: (value) => `registration_status = "${value}"`,
    },
  ];
}

export default function StationsPage(): ReactNode {
  const t = useStationText();
  const words = useUiText().states;
  const permissions = usePermissions();
  const address = `${globalThis.location.protocol === "https:" ? "wss" : "ws"}://${globalThis.location.host}/ocpp/`;
  const canAct =
    permissions.can(StationService.method.updateStation) || permissions.can(StationService.method.closeConnection);
  return (
    <ResourcePage
      title={t.title}
      label={t.title}
      method={StationService.method.listStations}
      field="stations"
      columns={stationColumns(t, words)}
      rowKey={(station) => station.stationId}
      rowName={nameOf}
      href={stationHref}
      filters={stationFilters(t)}
      searchClause={quoted}
      searchLabel={t.search}
      creates={[
        { method: StationService.method.createStation, label: t.addStation, keepsAnswer: true },
        { method: StationService.method.importStations, label: t.importStations, icon: "list", keepsAnswer: true },
      ]}
      live={{
        filter: STATION_EVENTS,
        keyOf: (event) => event.stationId,
        apply: applyStationEvent,
        reload: async (stationId) => (await stations.getStation({ stationId })).station,
      }}
      {...(canAct && {
        bulk: (selected: readonly Station[], clear: () => void) => <BulkActions selected={selected} clear={clear} />,
      })}
      empty={
        <EmptyState title={t.emptyTitle} icon="station">
          <p>{t.emptyText(address)}</p>
        </EmptyState>
      }
    />
  );
}

/** Does one call for each station, a few at a time, and says how many went well. */
async function forEach(
  selected: readonly Station[],
  t: StationText,
  call: (station: Station) => Promise<unknown>,
): Promise<void> {
  const errors: string[] = [];
  const waiting = [...selected];
  const worker = async () => {
    for (let station = waiting.shift(); station; station = waiting.shift()) {
      try {
        await call(station);
      } catch (error) {
        errors.push(`${nameOf(station)}: ${readError(error).message}`);
      }
    }
  };
  await Promise.all([worker(), worker(), worker(), worker()]);
  if (errors.length < selected.length) toast(t.done(selected.length - errors.length));
  if (errors[0]) toast(t.someFailed(errors.length, errors[0]), "bad");
}

function BulkActions(props: { selected: readonly Station[]; clear: () => void }) {
  const t = useStationText();
  const permissions = usePermissions();
  const { selected, clear } = props;
  const run = (call: (station: Station) => Promise<unknown>) => {
    void forEach(selected, t, call).then(clear);
  };
  return (
    <>
      {permissions.can(StationService.method.updateStation) && (
        <Button
          small
          icon="check"
          onPress={() => {
            run(({ stationId }) =>
              stations.updateStation({
                station: { stationId, registrationStatus: RegistrationStatus.ACCEPTED },
                updateMask: { paths: ["registration_status"] },
              }),
            );
          }}
        >
          {t.acceptStations}
        </Button>
      )}
      {permissions.can(StationService.method.closeConnection) && (
        <Button
          small
          icon="refresh"
          onPress={() => {
            run(({ stationId }) => stations.closeConnection({ stationId }));
          }}
        >
          {t.closeConnections}
        </Button>
      )}
    </>
  );
}

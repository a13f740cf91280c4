import type { ReactNode } from "react";

import { usePermissions } from "../../api/permissions";
import { clientOf } from "../../api/transport";
import { ResourcePage } from "../../resources";
import { stationHref } from "../../resources/hrefs";
import { RolloutService } from "../../stubs/csms/station/v1/rollout_service_pb";
import type { Station } from "../../stubs/csms/station/v1/station_pb";
import { StationService } from "../../stubs/csms/station/v1/station_service_pb";
import { quoted, type Filter } from "../../tables";
import { EmptyState } from "../../ui";
import { useUiText } from "../../ui/text";
import { BulkActions } from "./BulkActions";
import { nameOf, stationColumns } from "./columns";
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
    permissions.can(StationService.method.updateStation) ||
    permissions.can(StationService.method.closeConnection) ||
    permissions.can(RolloutService.method.createRollout);
  return (
    <ResourcePage
      title={t.title}
      label={t.title}
      method={StationService.method.listStations}
      field="stations"
      columns={stationColumns(t, words)}
      rowKey={(station) => station.stationId}
      rowName={nameOf}
      href={({ stationId }) => stationHref(stationId)}
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

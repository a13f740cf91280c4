import type { ReactNode } from "react";

import {
  enumColumn,
  enumFilter,
  FleetPage,
  numberColumn,
  stationColumn,
  textColumn,
  timeColumn,
} from "../../resources";
import {
  LocalListSchema,
  LocalListService,
  LocalListSyncState,
  LocalListSyncStateSchema,
  type LocalList,
} from "../../stubs/csms/station/v1/local_list_service_pb";
import { EmptyState } from "../../ui";
import { useText } from "./text";

const { method } = LocalListService;

/** The local lists of all stations, as far as they are known. */
export default function LocalListsPage(): ReactNode {
  const t = useText();
  return (
    <FleetPage
      title={t.titleAll}
      label={t.titleAll}
      method={method.listLocalLists}
      field="localLists"
      schema={LocalListSchema}
      rowKey={(row) => row.stationId}
      columns={[
        enumColumn<LocalList>("state", t.sync_state, LocalListSyncStateSchema, (row) => row.syncState, {
          [LocalListSyncState.SYNCED]: "good",
          [LocalListSyncState.FAILED]: "bad",
        }),
        stationColumn<LocalList>(t.station, "local_list", (row) => row.stationId),
        textColumn<LocalList>("version", t.version, (row) => row.versionNumber?.toString(), { width: "100px" }),
        numberColumn<LocalList>("entries", t.entries, (row) => row.entryCount, String),
        numberColumn<LocalList>("left_out", t.leftOut, (row) => row.leftOutCount, String),
        textColumn<LocalList>("error", t.error, (row) => row.error?.message, { width: "minmax(160px, 2fr)" }),
        timeColumn<LocalList>("synced", t.synced, (row) => row.syncTime),
      ]}
      filters={[enumFilter("sync_state", t.sync_state, LocalListSyncStateSchema)]}
      live={{
        filter: { types: ["station.local_list_synced", "station.local_list_failed"] },
        keyOf: (event) => event.stationId,
        apply: () => "reload",
      }}
      creates={[{ method: method.syncLocalList, label: t.sync, icon: "refresh", keepsAnswer: true }]}
      actions={[
        {
          method: method.syncLocalList,
          label: t.sync,
          icon: "refresh",
          fixed: (row) => ({ stationId: row.stationId }),
          keepsAnswer: true,
        },
      ]}
      empty={
        <EmptyState title={t.noLists} icon="list">
          <p>{t.emptyText}</p>
        </EmptyState>
      }
    />
  );
}

import { useQuery } from "@connectrpc/connect-query";
import type { ReactNode } from "react";

import { enumLabel, MessageView } from "../../forms";
import { useLiveInvalidation } from "../../live";
import { SectionList, textColumn } from "../../resources";
import { AuthorizationStatus, AuthorizationStatusSchema } from "../../stubs/csms/common/v1/id_token_pb";
import { LocalListEntrySchema, type LocalListEntry } from "../../stubs/csms/station/v1/local_list_pb";
import { LocalListSchema, LocalListService } from "../../stubs/csms/station/v1/local_list_service_pb";
import { EmptyState, ErrorState, Section, Skeleton } from "../../ui";
import { useText } from "./text";

const { method } = LocalListService;

function ListState(props: { stationId: string }) {
  const t = useText();
  const { data, error, refetch } = useQuery(method.getLocalList, { stationId: props.stationId });
  useLiveInvalidation(
    { types: ["station.local_list_synced", "station.local_list_failed"], stationId: props.stationId },
    method.getLocalList,
    method.listLocalListEntries,
  );
  if (error) return <ErrorState error={error} onRetry={() => void refetch()} />;
  if (!data?.localList) return <Skeleton lines={3} />;
  return (
    <Section title={t.state}>
      <MessageView desc={LocalListSchema} message={data.localList} />
    </Section>
  );
}

export default function LocalListTab(props: { stationId: string }): ReactNode {
  const t = useText();
  const { stationId } = props;
  return (
    <>
      <ListState stationId={stationId} />
      <SectionList
        name="local_list"
        label={t.title}
        method={method.listLocalListEntries}
        field="entries"
        request={{ stationId }}
        schema={LocalListEntrySchema}
        rowKey={(row) => row.idToken?.idToken ?? ""}
        columns={[
          textColumn<LocalListEntry>("token", t.token, (row) => row.idToken?.idToken, { card: "head" }),
          textColumn<LocalListEntry>("type", t.type, (row) => row.idToken?.type),
          textColumn<LocalListEntry>("status", t.status, (row) =>
            enumLabel(
              AuthorizationStatusSchema,
              AuthorizationStatus[row.idTokenInfo?.status ?? AuthorizationStatus.UNSPECIFIED],
            ),
          ),
        ]}
        searchText={(row) => row.idToken?.idToken ?? ""}
        creates={[
          {
            method: method.syncLocalList,
            label: t.sync,
            icon: "refresh",
            fixed: () => ({ stationId }),
            keepsAnswer: true,
          },
        ]}
        empty={
          <EmptyState title={t.empty} icon="list">
            <p>{t.emptyText}</p>
          </EmptyState>
        }
      />
    </>
  );
}

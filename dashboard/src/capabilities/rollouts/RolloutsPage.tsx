import type { ReactNode } from "react";

import { dataText } from "../../live";
import { useFormats } from "../../formats";
import { ResourcePage } from "../../resources";
import { RolloutSchema, RolloutService } from "../../stubs/csms/station/v1/rollout_service_pb";
import { EmptyState, useUrlParameter } from "../../ui";
import { rolloutActions } from "./actions";
import { nameOf, rolloutColumns, rolloutHref } from "./columns";
import { useText } from "./text";

export default function RolloutsPage(): ReactNode {
  const t = useText();
  const formats = useFormats();
  const [stations] = useUrlParameter("stations");
  return (
    <ResourcePage
      title={t.title}
      label={t.title}
      method={RolloutService.method.listRollouts}
      field="rollouts"
      schema={RolloutSchema}
      rowKey={(row) => row.rolloutId}
      rowName={(row) => nameOf(row, t)}
      href={rolloutHref}
      columns={rolloutColumns(t, formats)}
      searchText={(row) => `${nameOf(row, t)} ${row.filter} ${row.username}`}
      live={{ filter: { types: ["rollout."] }, keyOf: (event) => dataText(event, "rolloutId"), apply: () => "reload" }}
      creates={[
        {
          method: RolloutService.method.createRollout,
          label: t.create,
          ...(stations ? { initial: () => ({ stationIds: stations.split(",") }) } : {}),
        },
      ]}
      actions={rolloutActions(t)}
      empty={
        <EmptyState title={t.empty} icon="rollout">
          <p>{t.emptyText}</p>
        </EmptyState>
      }
    />
  );
}

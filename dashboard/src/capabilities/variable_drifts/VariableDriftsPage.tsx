import type { ReactNode } from "react";

import { ResourcePage, textColumn, timeColumn } from "../../resources";
import { stationHref } from "../../resources/hrefs";
import { VariableDriftSchema, type VariableDrift } from "../../stubs/csms/station/v1/device_model_pb";
import { DeviceModelService } from "../../stubs/csms/station/v1/device_model_service_pb";
import { RolloutService } from "../../stubs/csms/station/v1/rollout_service_pb";
import type { Variable } from "../../stubs/csms/station/v1/station_pb";
import { EmptyState } from "../../ui";
import { useText } from "./text";

function componentOf(variable: Variable | undefined): string {
  return [variable?.component, variable?.componentInstance, variable?.evse?.evseId].filter(Boolean).join(" ");
}

function nameOf(variable: Variable | undefined): string {
  const attribute = variable?.attributeType === "Actual" ? "" : variable?.attributeType;
  return [variable?.variable, variable?.variableInstance, attribute].filter(Boolean).join(" ");
}

/** The work of a rollout that sets the variable again. */
function workOf(row: VariableDrift) {
  const variable = row.variable;
  const evse = variable?.evse;
  return {
    stationIds: [row.stationId],
    variables: {
      variables: [
        {
          component: variable?.component ?? "",
          componentInstance: variable?.componentInstance ?? "",
          ...(evse ? { evse: { evseId: evse.evseId, connectorId: evse.connectorId } } : {}),
          variable: variable?.variable ?? "",
          variableInstance: variable?.variableInstance ?? "",
          attributeType: variable?.attributeType ?? "",
          value: variable?.wishedValue ?? "",
        },
      ],
    },
  };
}

/** Variables of all stations that have another value than they were set to. */
export default function VariableDriftsPage(): ReactNode {
  const t = useText();
  return (
    <ResourcePage
      title={t.title}
      label={t.title}
      method={DeviceModelService.method.listVariableDrifts}
      field="variableDrifts"
      schema={VariableDriftSchema}
      rowKey={(row) =>
        [row.stationId, componentOf(row.variable), row.variable?.evse?.connectorId, nameOf(row.variable)].join("/")
      }
      rowName={(row) => `${row.stationId} ${nameOf(row.variable)}`}
      href={(row) => stationHref(row.stationId, "variables")}
      columns={[
        textColumn<VariableDrift>("station", t.station, (row) => row.stationId, { card: "head" }),
        textColumn<VariableDrift>("component", t.component, (row) => componentOf(row.variable)),
        textColumn<VariableDrift>("variable", t.variable, (row) => nameOf(row.variable)),
        textColumn<VariableDrift>("wished", t.wished, (row) => row.variable?.wishedValue),
        textColumn<VariableDrift>("value", t.value, (row) => row.variable?.value),
        timeColumn<VariableDrift>("since", t.since, (row) => row.variable?.updateTime),
      ]}
      searchText={(row) => `${row.stationId} ${componentOf(row.variable)} ${nameOf(row.variable)}`}
      searchLabel={t.search}
      actions={[
        {
          method: RolloutService.method.createRollout,
          label: t.repair,
          icon: "refresh",
          initial: workOf,
          keepsAnswer: true,
        },
      ]}
      empty={
        <EmptyState title={t.empty} icon="settings">
          <p>{t.emptyText}</p>
        </EmptyState>
      }
    />
  );
}

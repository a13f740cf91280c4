import type { ReactNode } from "react";

import { SectionList, textColumn, timeColumn } from "../../resources";
import { CommandService } from "../../stubs/csms/station/v1/command_service_pb";
import { VariableSchema, type Variable } from "../../stubs/csms/station/v1/station_pb";
import { StationService } from "../../stubs/csms/station/v1/station_service_pb";
import { Badge, EmptyState } from "../../ui";
import { useText } from "./text";

function keyOf(row: Variable): string {
  return [
    row.component,
    row.componentInstance,
    row.evse?.evseId,
    row.evse?.connectorId,
    row.variable,
    row.variableInstance,
    row.attributeType,
  ].join("/");
}

function componentOf(row: Variable): string {
  return [row.component, row.componentInstance, row.evse?.evseId].filter(Boolean).join(" ");
}

/** The value with its unit. */
function valueOf(row: Variable): string {
  return [row.value, row.value && row.characteristics?.unit].filter(Boolean).join(" ");
}

/** The variables that the station has reported; each can be set, and the station asked anew. */
export default function VariablesTab(props: { stationId: string }): ReactNode {
  const t = useText();
  const { stationId } = props;
  const station = () => ({ stationId });
  return (
    <SectionList
      name="variables"
      label={t.title}
      method={StationService.method.listVariables}
      field="variables"
      request={{ stationId }}
      schema={VariableSchema}
      rowKey={keyOf}
      rowName={(row) => row.variable}
      columns={[
        textColumn<Variable>("component", t.component, componentOf),
        textColumn<Variable>(
          "variable",
          t.variable,
          (row) => [row.variable, row.variableInstance].filter(Boolean).join(" "),
          {
            card: "head",
            width: "minmax(200px, 1.5fr)",
          },
        ),
        textColumn<Variable>("value", t.value, valueOf, { width: "minmax(200px, 2fr)" }),
        textColumn<Variable>("attribute", t.attribute, (row) => row.attributeType, { optional: true }),
        timeColumn<Variable>("changed", t.changed, (row) => row.updateTime, { optional: true }),
        {
          id: "readonly",
          label: t.readonly,
          width: "150px",
          cell: (row) =>
            row.rebootRequired ? (
              <Badge tone="warning">{t.rebootRequired}</Badge>
            ) : row.drifted ? (
              <Badge tone="bad">{t.drifted(row.wishedValue ?? "")}</Badge>
            ) : (
              row.readonly && <Badge>{t.readonly}</Badge>
            ),
        },
      ]}
      searchText={(row) => `${componentOf(row)} ${row.variable} ${row.variableInstance} ${row.value}`}
      searchLabel={t.search}
      creates={[
        {
          method: CommandService.method.getVariables,
          label: t.get,
          icon: "refresh",
          fixed: station,
          keepsAnswer: true,
        },
        {
          method: CommandService.method.getBaseReport,
          label: t.report,
          icon: "list",
          fixed: station,
          initial: () => ({ reportBase: "REPORT_BASE_FULL_INVENTORY" }),
          keepsAnswer: true,
        },
        { method: CommandService.method.setVariables, label: t.set, icon: "edit", fixed: station, keepsAnswer: true },
      ]}
      actions={[
        {
          method: CommandService.method.setVariables,
          label: t.change,
          icon: "edit",
          isOffered: (row) => row.readonly !== true,
          fixed: station,
          initial: (row) => ({
            variables: [
              {
                component: row.component,
                componentInstance: row.componentInstance,
                ...(row.evse ? { evse: { evseId: row.evse.evseId, connectorId: row.evse.connectorId } } : {}),
                variable: row.variable,
                variableInstance: row.variableInstance,
                attributeType: row.attributeType,
                value: row.value,
              },
            ],
          }),
          keepsAnswer: true,
        },
      ]}
      compact
      empty={
        <EmptyState title={t.empty} icon="settings">
          <p>{t.emptyText}</p>
        </EmptyState>
      }
    />
  );
}

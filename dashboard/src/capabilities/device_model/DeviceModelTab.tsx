import type { ReactNode } from "react";

import { enumLabel } from "../../forms";
import { enumColumn, SectionList, textColumn, timeColumn } from "../../resources";
import { CommandService } from "../../stubs/csms/station/v1/command_service_pb";
import {
  ReportBase,
  ReportBaseSchema,
  VariableChangeSchema,
  VariableReportSchema,
  VariableReportState,
  VariableReportStateSchema,
  type VariableChange,
  type VariableReport,
} from "../../stubs/csms/station/v1/device_model_pb";
import { DeviceModelService } from "../../stubs/csms/station/v1/device_model_service_pb";
import {
  NetworkProfileSchema,
  OcppInterface,
  OcppInterfaceSchema,
  SetNetworkProfileStatus,
  type NetworkProfile,
} from "../../stubs/csms/station/v1/network_profile_pb";
import { EmptyState, Section } from "../../ui";
import { useText, type Text } from "./text";

const { method } = DeviceModelService;
const commands = CommandService.method;

const TONES = {
  [VariableReportState.COMPLETE]: "good",
  [VariableReportState.INCOMPLETE]: "bad",
  [VariableReportState.REFUSED]: "warning",
} as const;

function partsOf(t: Text, row: VariableReport): string {
  return t.partsOf(row.receivedParts, row.lastPart === undefined ? undefined : row.lastPart + 1);
}

function Reports(props: { stationId: string }) {
  const t = useText();
  const { stationId } = props;
  const station = () => ({ stationId });
  return (
    <SectionList
      name="reports"
      label={t.reports}
      method={method.listVariableReports}
      field="variableReports"
      request={{ stationId }}
      schema={VariableReportSchema}
      rowKey={(row) => String(row.variableReportId)}
      columns={[
        textColumn<VariableReport>("number", t.number, (row) => String(row.variableReportId), { card: "head" }),
        enumColumn<VariableReport>("state", t.state, VariableReportStateSchema, (row) => row.state, TONES),
        textColumn<VariableReport>("kind", t.kind, (row) =>
          row.reportBase === ReportBase.UNSPECIFIED
            ? t.custom
            : enumLabel(ReportBaseSchema, ReportBase[row.reportBase]),
        ),
        textColumn<VariableReport>("parts", t.parts, (row) => partsOf(t, row), { width: "110px" }),
        textColumn<VariableReport>("attributes", t.attributes, (row) => String(row.attributeCount), {
          width: "110px",
        }),
        timeColumn<VariableReport>("asked", t.asked, (row) => row.createTime),
        timeColumn<VariableReport>("changed", t.changed, (row) => row.updateTime, { optional: true }),
      ]}
      filters={[
        {
          id: "state",
          label: t.state,
          options: [
            { id: "RECEIVING", label: t.receiving },
            { id: "COMPLETE", label: t.complete },
            { id: "INCOMPLETE", label: t.incomplete },
            { id: "REFUSED", label: t.refused },
          ],
          clause: (value) => `state = ${value}`,
        },
      ]}
      creates={[
        {
          method: commands.getBaseReport,
          label: t.askAll,
          icon: "refresh",
          fixed: station,
          initial: () => ({ reportBase: "REPORT_BASE_FULL_INVENTORY" }),
          keepsAnswer: true,
        },
        { method: commands.getReport, label: t.askSome, icon: "search", fixed: station, keepsAnswer: true },
      ]}
      actions={[
        {
          method: method.getVariableReport,
          label: t.missing,
          icon: "info",
          isOffered: (row) => row.state !== VariableReportState.COMPLETE && row.state !== VariableReportState.REFUSED,
          fixed: (row) => ({ stationId, variableReportId: row.variableReportId }),
          keepsAnswer: true,
        },
      ]}
      live={{
        filter: { types: ["station.variable_report_completed", "station.variable_report_incomplete"], stationId },
        keyOf: (event) => event.id,
        apply: () => "reload",
      }}
      empty={
        <EmptyState title={t.noReports} icon="list">
          <p>{t.noReportsText}</p>
        </EmptyState>
      }
    />
  );
}

function componentOf(row: VariableChange): string {
  const variable = row.variable;
  return [variable?.component, variable?.componentInstance, variable?.evse?.evseId].filter(Boolean).join(" ");
}

function variableOf(row: VariableChange): string {
  const variable = row.variable;
  const attribute = variable?.attributeType === "Actual" ? "" : variable?.attributeType;
  return [variable?.variable, variable?.variableInstance, attribute].filter(Boolean).join(" ");
}

function History(props: { stationId: string }) {
  const t = useText();
  return (
    <SectionList
      name="changes"
      label={t.history}
      method={method.listVariableChanges}
      field="variableChanges"
      request={{ stationId: props.stationId }}
      schema={VariableChangeSchema}
      rowKey={(row) =>
        `${String(row.changeTime?.seconds)}.${String(row.changeTime?.nanos)} ${componentOf(row)} ${variableOf(row)} ${String(row.variable?.evse?.connectorId)}`
      }
      rowName={variableOf}
      columns={[
        timeColumn<VariableChange>("time", t.time, (row) => row.changeTime),
        textColumn<VariableChange>("component", t.component, componentOf),
        textColumn<VariableChange>("variable", t.variable, variableOf, { card: "head" }),
        textColumn<VariableChange>("before", t.before, (row) => row.formerValue),
        textColumn<VariableChange>("after", t.after, (row) => row.variable?.value),
      ]}
      searchText={(row) => `${componentOf(row)} ${variableOf(row)}`}
      searchLabel={t.search}
      compact
      empty={
        <EmptyState title={t.noChanges} icon="event">
          <p>{t.noChangesText}</p>
        </EmptyState>
      }
    />
  );
}

function Profiles(props: { stationId: string }) {
  const t = useText();
  const { stationId } = props;
  return (
    <SectionList
      name="profiles"
      label={t.profiles}
      method={method.listNetworkProfiles}
      field="networkProfiles"
      request={{ stationId }}
      schema={NetworkProfileSchema}
      rowKey={(row) => String(row.configurationSlot)}
      columns={[
        textColumn<NetworkProfile>("slot", t.slot, (row) => String(row.configurationSlot), {
          card: "head",
          width: "90px",
        }),
        textColumn<NetworkProfile>("url", t.url, (row) => row.connectionData?.ocppCsmsUrl),
        textColumn<NetworkProfile>("interface", t.network, (row) =>
          enumLabel(OcppInterfaceSchema, OcppInterface[row.connectionData?.ocppInterface ?? OcppInterface.UNSPECIFIED]),
        ),
        textColumn<NetworkProfile>("security", t.security, (row) => String(row.connectionData?.securityProfile ?? 0)),
        textColumn<NetworkProfile>("answer", t.answer, (row) =>
          row.status === SetNetworkProfileStatus.ACCEPTED ? t.accepted : t.unknown,
        ),
        textColumn<NetworkProfile>("by", t.by, (row) => row.username, { optional: true }),
        timeColumn<NetworkProfile>("time", t.time, (row) => row.updateTime),
      ]}
      creates={[
        {
          method: commands.setNetworkProfile,
          label: t.set,
          icon: "edit",
          fixed: () => ({ stationId }),
          keepsAnswer: true,
        },
      ]}
      empty={
        <EmptyState title={t.noProfiles} icon="settings">
          <p>{t.noProfilesText}</p>
        </EmptyState>
      }
    />
  );
}

/** The reports that fill the device model, the changes of its values, and the profiles of the station's network. */
export default function DeviceModelTab(props: { stationId: string }): ReactNode {
  const t = useText();
  return (
    <>
      <Section title={t.reports} flush>
        <Reports stationId={props.stationId} />
      </Section>
      <Section title={t.history} flush>
        <History stationId={props.stationId} />
      </Section>
      <Section title={t.profiles} flush>
        <Profiles stationId={props.stationId} />
      </Section>
    </>
  );
}

import type { ReactNode } from "react";

import { enumColumn, SectionList, textColumn, timeColumn } from "../../resources";
import { EventReportSchema, type EventReport } from "../../stubs/csms/station/v1/alarm_pb";
import { CommandService } from "../../stubs/csms/station/v1/command_service_pb";
import { MonitorSchema, MonitorTypeSchema, type Monitor } from "../../stubs/csms/station/v1/monitoring_pb";
import { MonitoringService } from "../../stubs/csms/station/v1/monitoring_service_pb";
import {
  PartialReportSchema,
  PartialReportState,
  PartialReportStateSchema,
  type PartialReport,
} from "../../stubs/csms/station/v1/partial_report_pb";
import { EmptyState, Section } from "../../ui";
import { useText } from "./text";

const { method } = MonitoringService;
const commands = CommandService.method;

function Monitors(props: { stationId: string }) {
  const t = useText();
  const { stationId } = props;
  const station = () => ({ stationId });
  return (
    <SectionList
      name="monitors"
      label={t.monitors}
      method={method.listMonitors}
      field="monitors"
      request={{ stationId }}
      schema={MonitorSchema}
      rowKey={(row) => String(row.monitorId)}
      columns={[
        textColumn<Monitor>("monitor", t.monitor, (row) => String(row.monitorId), { width: "100px" }),
        textColumn<Monitor>("component", t.component, (row) => row.variable?.component, { card: "head" }),
        textColumn<Monitor>("variable", t.variable, (row) => row.variable?.variable),
        textColumn<Monitor>("evse", t.evse, (row) => row.variable?.evse?.evseId.toString(), { optional: true }),
        enumColumn<Monitor>("type", t.type, MonitorTypeSchema, (row) => row.type),
        textColumn<Monitor>("value", t.value, (row) => String(row.value), { width: "100px" }),
        textColumn<Monitor>("severity", t.severity, (row) => String(row.severity), { width: "100px" }),
        timeColumn<Monitor>("changed", t.changed, (row) => row.updateTime),
      ]}
      creates={[
        { method: commands.getMonitoringReport, label: t.ask, icon: "refresh", fixed: station, keepsAnswer: true },
        { method: commands.setVariableMonitoring, label: t.set, icon: "plus", fixed: station, keepsAnswer: true },
        { method: commands.setMonitoringLevel, label: t.level, icon: "edit", fixed: station, keepsAnswer: true },
        { method: commands.setMonitoringBase, label: t.base, icon: "edit", fixed: station, keepsAnswer: true },
      ]}
      actions={[
        {
          method: commands.clearVariableMonitoring,
          label: t.clear,
          icon: "trash",
          danger: true,
          fixed: (row) => ({ stationId, monitorIds: [row.monitorId ?? 0] }),
          keepsAnswer: true,
        },
      ]}
      live={{
        filter: { types: ["station.report_received"], stationId },
        keyOf: (event) => event.id,
        apply: () => "reload",
      }}
      empty={
        <EmptyState title={t.noMonitors} icon="alert">
          <p>{t.noMonitorsText}</p>
        </EmptyState>
      }
    />
  );
}

function Reports(props: { stationId: string }) {
  const t = useText();
  const { stationId } = props;
  return (
    <SectionList
      name="reports"
      label={t.reports}
      method={method.listMonitoringReports}
      field="monitoringReports"
      request={{ stationId }}
      schema={PartialReportSchema}
      rowKey={(row) => String(row.reportId)}
      columns={[
        enumColumn<PartialReport>("state", t.state, PartialReportStateSchema, (row) => row.state, {
          [PartialReportState.COMPLETE]: "good",
          [PartialReportState.INCOMPLETE]: "bad",
        }),
        textColumn<PartialReport>("report", t.report, (row) => String(row.reportId), { card: "head" }),
        textColumn<PartialReport>("parts", t.parts, (row) => String(row.parts)),
        textColumn<PartialReport>("missing", t.missing, (row) => row.missingParts.join(", ")),
        textColumn<PartialReport>("doubled", t.doubled, (row) => String(row.doubledParts)),
        timeColumn<PartialReport>("changed", t.changed, (row) => row.updateTime),
      ]}
      live={{
        filter: { types: ["station.report_received"], stationId },
        keyOf: (event) => event.id,
        apply: () => "reload",
      }}
      empty={<EmptyState title={t.noReports} icon="list" />}
    />
  );
}

/** The events of a report in a line: `Component.Variable = value`. */
function summary(report: EventReport): string {
  return report.entries
    .map(({ variable }) => `${variable?.component ?? ""}.${variable?.variable ?? ""} = ${variable?.value ?? ""}`)
    .join(", ");
}

function Events(props: { stationId: string }) {
  const t = useText();
  const { stationId } = props;
  return (
    <SectionList
      name="eventReports"
      label={t.events}
      method={method.listEventReports}
      field="eventReports"
      request={{ stationId }}
      schema={EventReportSchema}
      rowKey={(row) => `${String(row.receiveTime?.seconds)} ${String(row.receiveTime?.nanos)} ${String(row.seqNo)}`}
      columns={[
        timeColumn<EventReport>("received", t.received, (row) => row.receiveTime),
        textColumn<EventReport>("event", t.event, summary, { card: "head", width: "minmax(260px, 3fr)" }),
        textColumn<EventReport>("left", t.left, (row) => String(row.droppedEntries || ""), { optional: true }),
      ]}
      empty={<EmptyState title={t.noEvents} icon="event" />}
    />
  );
}

export default function MonitorsTab(props: { stationId: string }): ReactNode {
  const t = useText();
  return (
    <>
      <Section title={t.monitors} flush>
        <Monitors stationId={props.stationId} />
      </Section>
      <Section title={t.reports} flush>
        <Reports stationId={props.stationId} />
      </Section>
      <Section title={t.events} flush>
        <Events stationId={props.stationId} />
      </Section>
    </>
  );
}

import type { ReactNode } from "react";

import { dataText } from "../../live";
import { enumColumn, ResourcePage, textColumn, timeColumn } from "../../resources";
import { stationHref } from "../../resources/hrefs";
import { AlarmSchema, AlarmState, AlarmStateSchema, type Alarm } from "../../stubs/csms/station/v1/alarm_pb";
import { MonitoringService } from "../../stubs/csms/station/v1/monitoring_service_pb";
import { EmptyState } from "../../ui";
import { useText } from "./text";

const { method } = MonitoringService;

/** Alarms of all stations, the newest first. */
export default function AlarmsPage(): ReactNode {
  const t = useText();
  return (
    <ResourcePage
      title={t.title}
      label={t.title}
      method={method.listAlarms}
      field="alarms"
      schema={AlarmSchema}
      rowKey={(row) => `${row.stationId} ${row.alarmId}`}
      rowName={(row) => `${row.stationId} ${row.variable?.component ?? ""}`}
      href={(row) => stationHref(row.stationId, "monitors")}
      columns={[
        enumColumn<Alarm>("state", t.state, AlarmStateSchema, (row) => row.state, { [AlarmState.OPEN]: "bad" }),
        textColumn<Alarm>("station", t.station, (row) => row.stationId, { card: "head" }),
        textColumn<Alarm>("severity", t.severity, (row) => row.severity?.toString(), { width: "100px" }),
        textColumn<Alarm>("component", t.component, (row) => row.variable?.component),
        textColumn<Alarm>("variable", t.variable, (row) => row.variable?.variable),
        textColumn<Alarm>("value", t.value, (row) => row.variable?.value),
        textColumn<Alarm>("evse", t.evse, (row) => row.variable?.evse?.evseId.toString(), { optional: true }),
        textColumn<Alarm>("code", t.code, (row) => row.techCode, { optional: true }),
        textColumn<Alarm>("text", t.text, (row) => row.techInfo, { width: "minmax(160px, 1.4fr)" }),
        textColumn<Alarm>("count", t.count, (row) => row.count.toString(), { optional: true }),
        timeColumn<Alarm>("opened", t.opened, (row) => row.openTime),
        timeColumn<Alarm>("closed", t.closed, (row) => row.closeTime),
      ]}
      filters={[
        {
          id: "state",
          label: t.state,
          options: [
            { id: "OPEN", label: t.open },
            { id: "CLOSED", label: t.over },
          ],
          clause: (value) => `state = "${value}"`,
        },
      ]}
      searchText={(row) => `${row.stationId} ${row.variable?.component ?? ""} ${row.techCode} ${row.techInfo}`}
      searchLabel={t.search}
      live={{
        filter: { types: ["alarm."] },
        keyOf: (event) => `${event.stationId} ${dataText(event, "alarmId")}`,
        apply: () => "reload",
      }}
      empty={
        <EmptyState title={t.empty} icon="alert">
          <p>{t.emptyText}</p>
        </EmptyState>
      }
    />
  );
}

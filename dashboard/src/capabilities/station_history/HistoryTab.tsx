import type { ReactNode } from "react";

import { usePermissions } from "../../api/permissions";
import { enumColumn, SectionList, textColumn, timeColumn } from "../../resources";
import {
  SecurityEventCriticalitySchema,
  SecurityEventSchema,
  type SecurityEvent,
} from "../../stubs/csms/station/v1/security_event_pb";
import { SecurityEventService } from "../../stubs/csms/station/v1/security_event_service_pb";
import { StationPlacementSchema, type StationPlacement } from "../../stubs/csms/station/v1/site_pb";
import { SiteService } from "../../stubs/csms/station/v1/site_service_pb";
import { ConnectorStatusSchema, StatusReportSchema, type StatusReport } from "../../stubs/csms/station/v1/station_pb";
import { DataTransferSchema, StationService, type DataTransfer } from "../../stubs/csms/station/v1/station_service_pb";
import {
  RecordedMeterValuesSchema,
  TransactionService,
  type RecordedMeterValues,
} from "../../stubs/csms/transaction/v1/transaction_service_pb";
import { EmptyState, Section } from "../../ui";
import { useText } from "./text";

interface Part {
  stationId: string;
}

function evseText(evse: { evseId: number; connectorId: number } | undefined): string {
  return evse ? [evse.evseId, evse.connectorId].filter(Boolean).join(".") : "";
}

function Statuses(props: Part) {
  const t = useText();
  return (
    <SectionList
      name="statuses"
      label={t.statuses}
      method={StationService.method.listStatusReports}
      field="statusReports"
      request={{ stationId: props.stationId }}
      schema={StatusReportSchema}
      rowKey={(row) =>
        JSON.stringify([
          row.statusTime?.seconds.toString(),
          row.statusTime?.nanos,
          evseText(row.evse),
          row.reportedStatus,
        ])
      }
      rowName={(row) => row.reportedStatus}
      columns={[
        timeColumn<StatusReport>("time", t.time, (row) => row.statusTime),
        textColumn<StatusReport>("evse", t.evse, (row) => evseText(row.evse), { width: "80px" }),
        enumColumn<StatusReport>("status", t.status, ConnectorStatusSchema, (row) => row.status),
        textColumn<StatusReport>("error", t.error, (row) =>
          [row.errorCode, row.vendorErrorCode].filter(Boolean).join(" "),
        ),
        textColumn<StatusReport>("info", t.info, (row) => row.info, { width: "minmax(160px, 2fr)" }),
      ]}
      live={{
        filter: { types: ["station.status_changed"], stationId: props.stationId },
        keyOf: (event) => event.id,
        apply: () => "reload",
      }}
      compact
      empty={<EmptyState title={t.none} icon="list" />}
    />
  );
}

function SecurityEvents(props: Part) {
  const t = useText();
  return (
    <SectionList
      name="security"
      label={t.security}
      method={SecurityEventService.method.listSecurityEvents}
      field="securityEvents"
      request={{ stationId: props.stationId }}
      schema={SecurityEventSchema}
      rowKey={(row) => JSON.stringify([row.type, row.receiveTime?.seconds.toString(), row.receiveTime?.nanos])}
      rowName={(row) => row.type}
      columns={[
        timeColumn<SecurityEvent>("time", t.time, (row) => row.eventTime),
        textColumn<SecurityEvent>("type", t.type, (row) => row.type, { card: "head" }),
        enumColumn<SecurityEvent>("critical", t.critical, SecurityEventCriticalitySchema, (row) => row.criticality),
        textColumn<SecurityEvent>("tech", t.tech, (row) => row.techInfo, { width: "minmax(160px, 2fr)" }),
      ]}
      compact
      empty={<EmptyState title={t.none} icon="shield" />}
    />
  );
}

function Transfers(props: Part) {
  const t = useText();
  return (
    <SectionList
      name="transfers"
      label={t.transfers}
      method={StationService.method.listDataTransfers}
      field="dataTransfers"
      request={{ stationId: props.stationId }}
      schema={DataTransferSchema}
      rowKey={(row) =>
        JSON.stringify([row.vendorId, row.messageId, row.receiveTime?.seconds.toString(), row.receiveTime?.nanos])
      }
      rowName={(row) => row.vendorId}
      columns={[
        timeColumn<DataTransfer>("received", t.received, (row) => row.receiveTime),
        textColumn<DataTransfer>("vendor", t.vendor, (row) => row.vendorId, { card: "head" }),
        textColumn<DataTransfer>("message", t.message, (row) => row.messageId),
        { id: "data", label: t.data, width: "minmax(200px, 2fr)", cell: (row) => <code>{row.data}</code> },
      ]}
      compact
      empty={<EmptyState title={t.none} icon="list" />}
    />
  );
}

function Placements(props: Part) {
  const t = useText();
  return (
    <SectionList
      name="placements"
      label={t.placements}
      method={SiteService.method.listStationPlacements}
      field="placements"
      request={{ stationId: props.stationId }}
      schema={StationPlacementSchema}
      rowKey={(row) => `${row.siteId} ${String(row.beginTime?.seconds)}`}
      rowName={(row) => row.siteId}
      columns={[
        textColumn<StationPlacement>("site", t.site, (row) => row.siteId, { card: "head" }),
        timeColumn<StationPlacement>("since", t.since, (row) => row.beginTime),
        timeColumn<StationPlacement>("until", t.until, (row) => row.endTime),
        textColumn<StationPlacement>("by", t.by, (row) => row.username),
      ]}
      compact
      empty={<EmptyState title={t.none} icon="site" />}
    />
  );
}

function MeterValues(props: Part) {
  const t = useText();
  return (
    <SectionList
      name="values"
      label={t.meterValues}
      method={TransactionService.method.listMeterValues}
      field="meterValues"
      request={{ stationId: props.stationId }}
      schema={RecordedMeterValuesSchema}
      rowKey={(row) =>
        JSON.stringify([evseText(row.evse), row.receiveTime?.seconds.toString(), row.receiveTime?.nanos])
      }
      rowName={(row) => evseText(row.evse)}
      columns={[
        timeColumn<RecordedMeterValues>("received", t.received, (row) => row.receiveTime),
        textColumn<RecordedMeterValues>("evse", t.evse, (row) => evseText(row.evse), { card: "head" }),
        {
          id: "data",
          label: t.data,
          width: "minmax(220px, 3fr)",
          cell: (row) =>
            row.meterValues
              .flatMap((value) => value.sampledValues)
              .map((sample) => sample.value)
              .join(" · "),
        },
      ]}
      compact
      empty={<EmptyState title={t.none} icon="chart" />}
    />
  );
}

/** All that the station has reported beside its sessions. */
export default function HistoryTab(props: { stationId: string }): ReactNode {
  const t = useText();
  const permissions = usePermissions();
  const { stationId } = props;
  const parts = [
    { title: t.statuses, method: StationService.method.listStatusReports, content: <Statuses stationId={stationId} /> },
    {
      title: t.security,
      method: SecurityEventService.method.listSecurityEvents,
      content: <SecurityEvents stationId={stationId} />,
    },
    {
      title: t.meterValues,
      method: TransactionService.method.listMeterValues,
      content: <MeterValues stationId={stationId} />,
    },
    {
      title: t.transfers,
      method: StationService.method.listDataTransfers,
      content: <Transfers stationId={stationId} />,
    },
    {
      title: t.placements,
      method: SiteService.method.listStationPlacements,
      content: <Placements stationId={stationId} />,
    },
  ];
  return parts
    .filter((part) => permissions.can(part.method))
    .map((part) => (
      <Section key={part.title} title={part.title} flush>
        {part.content}
      </Section>
    ));
}

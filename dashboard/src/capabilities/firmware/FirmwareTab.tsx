import type { ReactNode } from "react";

import { dataText } from "../../live";
import { usePermissions } from "../../api/permissions";
import { enumColumn, ResourceList, textColumn, timeColumn } from "../../resources";
import { CommandService } from "../../stubs/csms/station/v1/command_service_pb";
import {
  FirmwarePublicationSchema,
  FirmwarePublicationService,
  FirmwarePublicationState,
  FirmwarePublicationStateSchema,
  type FirmwarePublication,
} from "../../stubs/csms/station/v1/firmware_publication_service_pb";
import {
  FirmwareService,
  FirmwareUpdateSchema,
  FirmwareUpdateState,
  FirmwareUpdateStateSchema,
  type FirmwareUpdate,
} from "../../stubs/csms/station/v1/firmware_service_pb";
import {
  LogService,
  LogUploadSchema,
  LogUploadState,
  LogUploadStateSchema,
  type LogUpload,
} from "../../stubs/csms/station/v1/log_service_pb";
import { LogTypeSchema } from "../../stubs/csms/station/v1/log_pb";
import { EmptyState, Section } from "../../ui";
import { useText } from "./text";

function Updates(props: { stationId: string }) {
  const t = useText();
  const { stationId } = props;
  return (
    <ResourceList
      name="firmware"
      label={t.firmware}
      method={FirmwareService.method.listFirmwareUpdates}
      field="firmwareUpdates"
      request={{ stationId }}
      schema={FirmwareUpdateSchema}
      rowKey={(row) => String(row.firmwareUpdateId)}
      columns={[
        enumColumn<FirmwareUpdate>("state", t.state, FirmwareUpdateStateSchema, (row) => row.state, {
          [FirmwareUpdateState.INSTALLED]: "good",
          [FirmwareUpdateState.FAILED]: "bad",
          [FirmwareUpdateState.REJECTED]: "bad",
        }),
        textColumn<FirmwareUpdate>("number", t.number, (row) => String(row.firmwareUpdateId), {
          card: "head",
          width: "90px",
        }),
        textColumn<FirmwareUpdate>("version", t.version, (row) => row.installedVersion || row.previousVersion),
        textColumn<FirmwareUpdate>("location", t.location, (row) => row.firmware?.location, {
          width: "minmax(200px, 2fr)",
        }),
        timeColumn<FirmwareUpdate>("changed", t.changed, (row) => row.updateTime),
      ]}
      live={{
        filter: { types: ["station.firmware_update_changed"], stationId },
        keyOf: (event) => dataText(event, "firmwareUpdateId"),
        apply: () => "reload",
      }}
      creates={[
        {
          method: CommandService.method.updateFirmware,
          label: t.update,
          icon: "firmware",
          fixed: () => ({ stationId }),
          keepsAnswer: true,
        },
      ]}
      actions={[
        {
          method: FirmwareService.method.getFirmwareUpdate,
          label: t.look,
          icon: "search",
          fixed: (row) => ({ stationId, firmwareUpdateId: row.firmwareUpdateId }),
          keepsAnswer: true,
        },
      ]}
      ignoreScope
      fill={false}
      empty={<EmptyState title={t.noFirmware} icon="firmware" />}
    />
  );
}

function Publications(props: { stationId: string }) {
  const t = useText();
  const { stationId } = props;
  return (
    <ResourceList
      name="publications"
      label={t.publications}
      method={FirmwarePublicationService.method.listFirmwarePublications}
      field="firmwarePublications"
      request={{ stationId }}
      schema={FirmwarePublicationSchema}
      rowKey={(row) => String(row.firmwarePublicationId)}
      columns={[
        enumColumn<FirmwarePublication>("state", t.state, FirmwarePublicationStateSchema, (row) => row.state, {
          [FirmwarePublicationState.PUBLISHED]: "good",
          [FirmwarePublicationState.FAILED]: "bad",
          [FirmwarePublicationState.REJECTED]: "bad",
        }),
        textColumn<FirmwarePublication>("number", t.number, (row) => String(row.firmwarePublicationId), {
          card: "head",
          width: "90px",
        }),
        textColumn<FirmwarePublication>("location", t.location, (row) => row.location, {
          width: "minmax(200px, 2fr)",
        }),
        textColumn<FirmwarePublication>("published", t.published, (row) => row.publishedLocations.join(" "), {
          width: "minmax(200px, 2fr)",
        }),
        timeColumn<FirmwarePublication>("changed", t.changed, (row) => row.updateTime),
      ]}
      live={{
        filter: { types: ["station.firmware_publication_changed"], stationId },
        keyOf: (event) => dataText(event, "firmwarePublicationId"),
        apply: () => "reload",
      }}
      creates={[
        {
          method: CommandService.method.publishFirmware,
          label: t.publish,
          icon: "firmware",
          fixed: () => ({ stationId }),
          keepsAnswer: true,
        },
      ]}
      actions={[
        {
          method: FirmwarePublicationService.method.getFirmwarePublication,
          label: t.look,
          icon: "search",
          fixed: (row) => ({ stationId, firmwarePublicationId: row.firmwarePublicationId }),
          keepsAnswer: true,
        },
        {
          method: CommandService.method.unpublishFirmware,
          label: t.unpublish,
          fixed: (row) => ({ stationId, checksum: row.checksum }),
          keepsAnswer: true,
        },
      ]}
      ignoreScope
      fill={false}
      empty={<EmptyState title={t.noPublications} icon="firmware" />}
    />
  );
}

function Logs(props: { stationId: string }) {
  const t = useText();
  const { stationId } = props;
  return (
    <ResourceList
      name="logs"
      label={t.logs}
      method={LogService.method.listLogUploads}
      field="logUploads"
      request={{ stationId }}
      schema={LogUploadSchema}
      rowKey={(row) => String(row.logUploadId)}
      columns={[
        enumColumn<LogUpload>("state", t.state, LogUploadStateSchema, (row) => row.state, {
          [LogUploadState.UPLOADED]: "good",
          [LogUploadState.FAILED]: "bad",
          [LogUploadState.REJECTED]: "bad",
        }),
        textColumn<LogUpload>("number", t.number, (row) => String(row.logUploadId), { card: "head", width: "90px" }),
        enumColumn<LogUpload>("type", t.type, LogTypeSchema, (row) => row.logType),
        textColumn<LogUpload>("file", t.file, (row) => row.fileName, { width: "minmax(200px, 2fr)" }),
        timeColumn<LogUpload>("changed", t.changed, (row) => row.updateTime),
      ]}
      live={{
        filter: { types: ["station.log_upload_changed"], stationId },
        keyOf: (event) => dataText(event, "logUploadId"),
        apply: () => "reload",
      }}
      creates={[
        {
          method: CommandService.method.getLog,
          label: t.getLog,
          icon: "download",
          fixed: () => ({ stationId }),
          keepsAnswer: true,
        },
      ]}
      actions={[
        {
          method: LogService.method.getLogUpload,
          label: t.look,
          icon: "search",
          fixed: (row) => ({ stationId, logUploadId: row.logUploadId }),
          keepsAnswer: true,
        },
      ]}
      ignoreScope
      fill={false}
      empty={<EmptyState title={t.noLogs} icon="list" />}
    />
  );
}

export default function FirmwareTab(props: { stationId: string }): ReactNode {
  const t = useText();
  const permissions = usePermissions();
  return (
    <>
      <Section title={t.firmware} flush>
        <Updates stationId={props.stationId} />
      </Section>
      {permissions.can(FirmwarePublicationService.method.listFirmwarePublications) && (
        <Section title={t.publications} flush>
          <Publications stationId={props.stationId} />
        </Section>
      )}
      {permissions.can(LogService.method.listLogUploads) && (
        <Section title={t.logs} flush>
          <Logs stationId={props.stationId} />
        </Section>
      )}
    </>
  );
}

// The lists of firmware updates and of uploads of logs, of a station or of all of them; and of what a station publishes.
import { dataText, type LiveEvent } from "../../live";
import { enumColumn, enumFilter, stationColumn, textColumn, timeColumn } from "../../resources";
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
import { LogTypeSchema } from "../../stubs/csms/station/v1/log_pb";
import {
  LogService,
  LogUploadSchema,
  LogUploadState,
  LogUploadStateSchema,
  type LogUpload,
} from "../../stubs/csms/station/v1/log_service_pb";
import { EmptyState } from "../../ui";
import type { Text } from "./text";

const commands = CommandService.method;

function keyOf(stationId: string, number: number | string): string {
  return `${stationId}/${String(number)}`;
}

function ofStation(stationId: string | undefined) {
  return stationId === undefined ? {} : { stationId };
}

function fixedOf(stationId: string | undefined) {
  return stationId === undefined ? {} : { fixed: () => ({ stationId }) };
}

/** The list of the firmware updates of a station; of all stations without one. */
export function updateList(t: Text, stationId?: string) {
  return {
    label: t.firmware,
    method: FirmwareService.method.listFirmwareUpdates,
    field: "firmwareUpdates" as const,
    request: { stationId: stationId ?? "-" },
    schema: FirmwareUpdateSchema,
    rowKey: (row: FirmwareUpdate) => keyOf(row.stationId, row.firmwareUpdateId),
    columns: [
      enumColumn<FirmwareUpdate>("state", t.state, FirmwareUpdateStateSchema, (row) => row.state, {
        [FirmwareUpdateState.INSTALLED]: "good",
        [FirmwareUpdateState.FAILED]: "bad",
        [FirmwareUpdateState.REJECTED]: "bad",
      }),
      ...(stationId === undefined
        ? [stationColumn<FirmwareUpdate>(t.station, "firmware", (row) => row.stationId)]
        : []),
      textColumn<FirmwareUpdate>("number", t.number, (row) => String(row.firmwareUpdateId), {
        card: "head",
        width: "120px",
      }),
      textColumn<FirmwareUpdate>("version", t.version, (row) => row.installedVersion || row.previousVersion),
      textColumn<FirmwareUpdate>("location", t.location, (row) => row.firmware?.location, {
        width: "minmax(200px, 2fr)",
      }),
      timeColumn<FirmwareUpdate>("changed", t.changed, (row) => row.updateTime),
    ],
    filters: [enumFilter("state", t.state, FirmwareUpdateStateSchema)],
    live: {
      filter: { types: ["station.firmware_update_changed"], ...ofStation(stationId) },
      keyOf: (event: LiveEvent) => keyOf(event.stationId, dataText(event, "firmwareUpdateId")),
      apply: () => "reload" as const,
    },
    creates: [
      {
        method: commands.updateFirmware,
        label: t.update,
        icon: "firmware" as const,
        ...fixedOf(stationId),
        keepsAnswer: true,
      },
    ],
    actions: [
      {
        method: FirmwareService.method.getFirmwareUpdate,
        label: t.look,
        icon: "search" as const,
        fixed: (row: FirmwareUpdate) => ({ stationId: row.stationId, firmwareUpdateId: row.firmwareUpdateId }),
        keepsAnswer: true,
      },
    ],
    empty: <EmptyState title={t.noFirmware} icon="firmware" />,
  };
}

/** The list of the uploads of logs of a station; of all stations without one. */
export function uploadList(t: Text, stationId?: string) {
  return {
    label: t.logs,
    method: LogService.method.listLogUploads,
    field: "logUploads" as const,
    request: { stationId: stationId ?? "-" },
    schema: LogUploadSchema,
    rowKey: (row: LogUpload) => keyOf(row.stationId, row.logUploadId),
    columns: [
      enumColumn<LogUpload>("state", t.state, LogUploadStateSchema, (row) => row.state, {
        [LogUploadState.UPLOADED]: "good",
        [LogUploadState.FAILED]: "bad",
        [LogUploadState.REJECTED]: "bad",
      }),
      ...(stationId === undefined ? [stationColumn<LogUpload>(t.station, "firmware", (row) => row.stationId)] : []),
      textColumn<LogUpload>("number", t.number, (row) => String(row.logUploadId), { card: "head", width: "120px" }),
      enumColumn<LogUpload>("type", t.type, LogTypeSchema, (row) => row.logType),
      textColumn<LogUpload>("file", t.file, (row) => row.fileName, { width: "minmax(200px, 2fr)" }),
      timeColumn<LogUpload>("changed", t.changed, (row) => row.updateTime),
    ],
    filters: [enumFilter("state", t.state, LogUploadStateSchema), enumFilter("log_type", t.type, LogTypeSchema)],
    live: {
      filter: { types: ["station.log_upload_changed"], ...ofStation(stationId) },
      keyOf: (event: LiveEvent) => keyOf(event.stationId, dataText(event, "logUploadId")),
      apply: () => "reload" as const,
    },
    creates: [
      {
        method: commands.getLog,
        label: t.getLog,
        icon: "download" as const,
        ...fixedOf(stationId),
        keepsAnswer: true,
      },
    ],
    actions: [
      {
        method: LogService.method.getLogUpload,
        label: t.look,
        icon: "search" as const,
        fixed: (row: LogUpload) => ({ stationId: row.stationId, logUploadId: row.logUploadId }),
        keepsAnswer: true,
      },
    ],
    empty: <EmptyState title={t.noLogs} icon="list" />,
  };
}

/** The list of the firmware that a station, a local controller, publishes to others. */
export function publicationList(t: Text, stationId: string) {
  return {
    label: t.publications,
    method: FirmwarePublicationService.method.listFirmwarePublications,
    field: "firmwarePublications" as const,
    request: { stationId },
    schema: FirmwarePublicationSchema,
    rowKey: (row: FirmwarePublication) => keyOf(row.stationId, row.firmwarePublicationId),
    columns: [
      enumColumn<FirmwarePublication>("state", t.state, FirmwarePublicationStateSchema, (row) => row.state, {
        [FirmwarePublicationState.PUBLISHED]: "good",
        [FirmwarePublicationState.FAILED]: "bad",
        [FirmwarePublicationState.REJECTED]: "bad",
      }),
      textColumn<FirmwarePublication>("number", t.number, (row) => String(row.firmwarePublicationId), {
        card: "head",
        width: "120px",
      }),
      textColumn<FirmwarePublication>("location", t.location, (row) => row.location, { width: "minmax(200px, 2fr)" }),
      textColumn<FirmwarePublication>("published", t.published, (row) => row.publishedLocations.join(" "), {
        width: "minmax(200px, 2fr)",
      }),
      timeColumn<FirmwarePublication>("changed", t.changed, (row) => row.updateTime),
    ],
    filters: [enumFilter("state", t.state, FirmwarePublicationStateSchema)],
    live: {
      filter: { types: ["station.firmware_publication_changed"], stationId },
      keyOf: (event: LiveEvent) => keyOf(event.stationId, dataText(event, "firmwarePublicationId")),
      apply: () => "reload" as const,
    },
    creates: [
      {
        method: commands.publishFirmware,
        label: t.publish,
        icon: "firmware" as const,
        ...fixedOf(stationId),
        keepsAnswer: true,
      },
    ],
    actions: [
      {
        method: FirmwarePublicationService.method.getFirmwarePublication,
        label: t.look,
        icon: "search" as const,
        fixed: (row: FirmwarePublication) => ({
          stationId: row.stationId,
          firmwarePublicationId: row.firmwarePublicationId,
        }),
        keepsAnswer: true,
      },
      {
        method: commands.unpublishFirmware,
        label: t.unpublish,
        fixed: (row: FirmwarePublication) => ({ stationId: row.stationId, checksum: row.checksum }),
        keepsAnswer: true,
      },
    ],
    empty: <EmptyState title={t.noPublications} icon="firmware" />,
  };
}

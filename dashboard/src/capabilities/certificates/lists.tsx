// The lists of certificates that stations have and have requested, of a station or of all of them.
import { enumColumn, enumFilter, rowJson, stationColumn, textColumn, timeColumn } from "../../resources";
import { CertificateSigningUseSchema } from "../../stubs/csms/common/v1/certificate_pb";
import {
  CertificateRequestSchema,
  CertificateRequestState,
  CertificateRequestStateSchema,
  GetCertificateIdUseSchema,
  InstalledCertificateSchema,
  type CertificateRequest,
  type InstalledCertificate,
} from "../../stubs/csms/station/v1/certificate_pb";
import { CommandService } from "../../stubs/csms/station/v1/command_service_pb";
import { StationCertificateService } from "../../stubs/csms/station/v1/station_certificate_service_pb";
import { EmptyState } from "../../ui";
import type { Text } from "./text";

const { method } = StationCertificateService;
const commands = CommandService.method;

/** The list of the certificates that a station reported; that all stations did without one. */
export function installedList(t: Text, stationId?: string) {
  const fixed = stationId === undefined ? {} : { fixed: () => ({ stationId }) };
  return {
    label: t.installed,
    method: method.listInstalledCertificates,
    field: "installedCertificates" as const,
    request: { stationId: stationId ?? "-" },
    schema: InstalledCertificateSchema,
    rowKey: (row: InstalledCertificate) =>
      [
        row.stationId,
        row.certificateType,
        row.certificateHashData?.serialNumber,
        row.certificateHashData?.issuerKeyHash,
      ].join(" "),
    rowName: (row: InstalledCertificate) => row.certificateHashData?.serialNumber ?? "",
    columns: [
      enumColumn<InstalledCertificate>(
        "use",
        t.use,
        GetCertificateIdUseSchema,
        (row) => row.certificateType,
        {},
        { width: "220px" },
      ),
      ...(stationId === undefined
        ? [stationColumn<InstalledCertificate>(t.station, "certificates", (row) => row.stationId)]
        : []),
      textColumn<InstalledCertificate>("serial", t.serial, (row) => row.certificateHashData?.serialNumber, {
        card: "head",
      }),
      textColumn<InstalledCertificate>("chain", t.chain, (row) =>
        row.childCertificateHashData.map((above) => above.serialNumber).join(", "),
      ),
      timeColumn<InstalledCertificate>("read", t.read, (row) => row.updateTime),
    ],
    filters: [enumFilter("certificate_type", t.use, GetCertificateIdUseSchema)],
    creates: [
      {
        method: commands.getInstalledCertificateIds,
        label: t.ask,
        icon: "refresh" as const,
        ...fixed,
        keepsAnswer: true,
      },
      { method: commands.installCertificate, label: t.install, icon: "plus" as const, ...fixed, keepsAnswer: true },
    ],
    actions: [
      {
        method: commands.deleteCertificate,
        label: t.remove,
        icon: "trash" as const,
        danger: true,
        fixed: (row: InstalledCertificate) => ({
          stationId: row.stationId,
          certificateHashData: rowJson(InstalledCertificateSchema, row).certificateHashData ?? null,
        }),
        keepsAnswer: true,
      },
    ],
    empty: <EmptyState title={t.noInstalled} icon="shield" />,
  };
}

/** The list of the requests of a station for certificates; of all stations without one. */
export function requestList(t: Text, stationId?: string) {
  return {
    label: t.requests,
    method: method.listCertificateRequests,
    field: "certificateRequests" as const,
    request: { stationId: stationId ?? "-" },
    schema: CertificateRequestSchema,
    rowKey: (row: CertificateRequest) =>
      [row.stationId, row.csrSha256, row.createTime?.seconds, row.createTime?.nanos].map(String).join(" "),
    rowName: (row: CertificateRequest) => row.serialNumber || row.csrSha256.slice(0, 16),
    columns: [
      enumColumn<CertificateRequest>("state", t.state, CertificateRequestStateSchema, (row) => row.state, {
        [CertificateRequestState.DELIVERED]: "good",
        [CertificateRequestState.REJECTED]: "bad",
        [CertificateRequestState.FAILED]: "bad",
      }),
      ...(stationId === undefined
        ? [stationColumn<CertificateRequest>(t.station, "certificates", (row) => row.stationId)]
        : []),
      enumColumn<CertificateRequest>(
        "use",
        t.use,
        CertificateSigningUseSchema,
        (row) => row.certificateType,
        {},
        { width: "220px" },
      ),
      textColumn<CertificateRequest>("serial", t.serial, (row) => row.serialNumber, { card: "head" }),
      textColumn<CertificateRequest>("reason", t.reason, (row) => row.reason),
      timeColumn<CertificateRequest>("asked", t.asked, (row) => row.createTime),
      timeColumn<CertificateRequest>("expires", t.expires, (row) => row.expireTime),
    ],
    filters: [
      enumFilter("state", t.state, CertificateRequestStateSchema),
      enumFilter("certificate_type", t.use, CertificateSigningUseSchema),
    ],
    live: {
      filter: { types: ["station.certificate_request"], ...(stationId === undefined ? {} : { stationId }) },
      keyOf: (event: { id: string }) => event.id,
      apply: () => "reload" as const,
    },
    empty: <EmptyState title={t.noRequests} icon="shield" />,
  };
}

import type { ReactNode } from "react";

import { enumColumn, ResourceList, rowJson, textColumn, timeColumn } from "../../resources";
import { CertificateSigningUseSchema } from "../../stubs/csms/common/v1/certificate_pb";
import {
  CertificateRequestSchema,
  CertificateRequestStateSchema,
  GetCertificateIdUseSchema,
  InstalledCertificateSchema,
  type CertificateRequest,
  type InstalledCertificate,
} from "../../stubs/csms/station/v1/certificate_pb";
import { CommandService } from "../../stubs/csms/station/v1/command_service_pb";
import { StationCertificateService } from "../../stubs/csms/station/v1/station_certificate_service_pb";
import { EmptyState, Section } from "../../ui";
import { useText } from "./text";

const { method } = StationCertificateService;
const commands = CommandService.method;

function Installed(props: { stationId: string }) {
  const t = useText();
  const { stationId } = props;
  const station = () => ({ stationId });
  return (
    <ResourceList
      name="installed"
      label={t.installed}
      method={method.listInstalledCertificates}
      field="installedCertificates"
      request={{ stationId }}
      schema={InstalledCertificateSchema}
      rowKey={(row) =>
        `${String(row.certificateType)} ${row.certificateHashData?.serialNumber ?? ""} ${row.certificateHashData?.issuerKeyHash ?? ""}`
      }
      rowName={(row) => row.certificateHashData?.serialNumber ?? ""}
      columns={[
        enumColumn<InstalledCertificate>(
          "use",
          t.use,
          GetCertificateIdUseSchema,
          (row) => row.certificateType,
          {},
          { width: "220px" },
        ),
        textColumn<InstalledCertificate>("serial", t.serial, (row) => row.certificateHashData?.serialNumber, {
          card: "head",
        }),
        textColumn<InstalledCertificate>("chain", t.chain, (row) =>
          row.childCertificateHashData.map((above) => above.serialNumber).join(", "),
        ),
        timeColumn<InstalledCertificate>("read", t.read, (row) => row.updateTime),
      ]}
      creates={[
        {
          method: commands.getInstalledCertificateIds,
          label: t.ask,
          icon: "refresh",
          fixed: station,
          keepsAnswer: true,
        },
        { method: commands.installCertificate, label: t.install, icon: "plus", fixed: station, keepsAnswer: true },
      ]}
      actions={[
        {
          method: commands.deleteCertificate,
          label: t.remove,
          icon: "trash",
          danger: true,
          fixed: (row) => ({
            stationId,
            certificateHashData: rowJson(InstalledCertificateSchema, row).certificateHashData ?? null,
          }),
          keepsAnswer: true,
        },
      ]}
      ignoreScope
      fill={false}
      empty={<EmptyState title={t.noInstalled} icon="shield" />}
    />
  );
}

function Requests(props: { stationId: string }) {
  const t = useText();
  return (
    <ResourceList
      name="requests"
      label={t.requests}
      method={method.listCertificateRequests}
      field="certificateRequests"
      request={{ stationId: props.stationId }}
      schema={CertificateRequestSchema}
      rowKey={(row) => `${row.csrSha256} ${String(row.createTime?.seconds)}`}
      rowName={(row) => row.serialNumber}
      columns={[
        enumColumn<CertificateRequest>("state", t.state, CertificateRequestStateSchema, (row) => row.state),
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
      ]}
      live={{
        filter: { types: ["station.certificate_request"], stationId: props.stationId },
        keyOf: (event) => event.id,
        apply: () => "reload",
      }}
      ignoreScope
      fill={false}
      empty={<EmptyState title={t.noRequests} icon="shield" />}
    />
  );
}

export default function CertificatesTab(props: { stationId: string }): ReactNode {
  const t = useText();
  return (
    <>
      <Section title={t.installed} flush>
        <Installed stationId={props.stationId} />
      </Section>
      <Section title={t.requests} flush>
        <Requests stationId={props.stationId} />
      </Section>
    </>
  );
}

import type { ReactNode } from "react";

import { enumColumn, Parts, ResourcePage, textColumn, timeColumn } from "../../resources";
import { stationHref } from "../../resources/hrefs";
import {
  CertificateService,
  IssuedCertificateSchema,
  type IssuedCertificate,
} from "../../stubs/csms/auth/v1/certificate_service_pb";
import { CertificateSigningUseSchema } from "../../stubs/csms/common/v1/certificate_pb";
import { EmptyState, Link } from "../../ui";
import { useParts } from "./parts";
import { useText } from "./text";

const { method } = CertificateService;

/** The certificates that the mesh's own authority has issued. */
export default function IssuedPage(): ReactNode {
  const t = useText();
  return (
    <ResourcePage
      title={t.certificates}
      label={t.issued}
      meta={<Parts label={t.certificates} parts={useParts(t)} />}
      method={method.listIssuedCertificates}
      field="issuedCertificates"
      schema={IssuedCertificateSchema}
      rowKey={(row) => row.serialNumber}
      columns={[
        {
          id: "station",
          label: t.station,
          card: "head",
          sortBy: (row) => row.stationId,
          cell: (row) => <Link href={stationHref(row.stationId, "certificates")}>{row.stationId}</Link>,
        },
        enumColumn<IssuedCertificate>(
          "use",
          t.use,
          CertificateSigningUseSchema,
          (row) => row.certificateType,
          {},
          { width: "220px" },
        ),
        textColumn<IssuedCertificate>("serial", t.serial, (row) => row.serialNumber, { width: "minmax(180px, 1.5fr)" }),
        textColumn<IssuedCertificate>("subject", t.subject, (row) => row.subject, { width: "minmax(180px, 1.5fr)" }),
        timeColumn<IssuedCertificate>("asked", t.asked, (row) => row.createTime),
        timeColumn<IssuedCertificate>("expires", t.expires, (row) => row.expireTime),
        timeColumn<IssuedCertificate>("revoked", t.revoked, (row) => row.revokeTime),
      ]}
      searchText={(row) => `${row.stationId} ${row.subject} ${row.serialNumber}`}
      creates={[
        { method: method.getCertificateAuthority, label: t.authority, icon: "shield", keepsAnswer: true },
        { method: method.getCertificateRevocationList, label: t.revocationList, icon: "list", keepsAnswer: true },
      ]}
      actions={[
        {
          method: method.revokeCertificate,
          label: t.revoke,
          icon: "trash",
          danger: true,
          isOffered: (row) => row.revokeTime === undefined,
          fixed: (row) => ({ serialNumber: row.serialNumber }),
        },
      ]}
      ignoreScope
      empty={<EmptyState title={t.noIssued} icon="shield" />}
    />
  );
}

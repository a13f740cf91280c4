import type { ReactNode } from "react";

import { enumColumn, Parts, ResourcePage, textColumn } from "../../resources";
import { HashAlgorithmSchema } from "../../stubs/csms/station/v1/certificate_pb";
import { RolloutService } from "../../stubs/csms/station/v1/rollout_service_pb";
import {
  ServerRootSchema,
  StationCertificateService,
  type ServerRoot,
} from "../../stubs/csms/station/v1/station_certificate_service_pb";
import { EmptyState } from "../../ui";
import { useParts } from "./parts";
import { useText } from "./text";

const { method } = StationCertificateService;
const ROOT = "GET_CERTIFICATE_ID_USE_CSMS_ROOT_CERTIFICATE";

/** The roots by which stations trust the server, with the number of stations that hold each, and the way to another. */
export default function RootsPage(): ReactNode {
  const t = useText();
  return (
    <ResourcePage
      title={t.roots}
      label={t.roots}
      meta={<Parts label={t.certificates} parts={useParts(t)} />}
      method={method.listServerRoots}
      field="serverRoots"
      schema={ServerRootSchema}
      rowKey={(row) =>
        [
          row.certificateHashData?.hashAlgorithm,
          row.certificateHashData?.issuerKeyHash,
          row.certificateHashData?.serialNumber,
        ]
          .map(String)
          .join(" ")
      }
      rowName={(row) => row.certificateHashData?.serialNumber ?? ""}
      columns={[
        textColumn<ServerRoot>("serial", t.serial, (row) => row.certificateHashData?.serialNumber, { card: "head" }),
        textColumn<ServerRoot>("stations", t.stations, (row) => String(row.stationCount)),
        enumColumn<ServerRoot>(
          "algorithm",
          t.algorithm,
          HashAlgorithmSchema,
          (row) => row.certificateHashData?.hashAlgorithm ?? 0,
        ),
        textColumn<ServerRoot>("key", t.keyHash, (row) => row.certificateHashData?.issuerKeyHash, {
          width: "minmax(180px, 1.5fr)",
        }),
      ]}
      creates={[
        { method: method.checkServerRoot, label: t.checkRoot, icon: "search", keepsAnswer: true },
        {
          method: RolloutService.method.createRollout,
          label: t.installRoot,
          icon: "plus",
          initial: () => ({
            command: { installCertificate: { certificateType: "INSTALL_CERTIFICATE_USE_CSMS_ROOT_CERTIFICATE" } },
          }),
          keepsAnswer: true,
        },
        {
          method: RolloutService.method.createRollout,
          label: t.askRoots,
          icon: "refresh",
          initial: () => ({ command: { getInstalledCertificateIds: { certificateTypes: [ROOT] } } }),
          keepsAnswer: true,
        },
        { method: method.adoptServerRoot, label: t.adoptRoot, icon: "shield", keepsAnswer: true },
      ]}
      empty={
        <EmptyState title={t.noRoots} icon="shield">
          <p>{t.noRootsText}</p>
        </EmptyState>
      }
    />
  );
}

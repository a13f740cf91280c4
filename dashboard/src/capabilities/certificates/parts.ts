import { usePermissions } from "../../api/permissions";
import type { Part } from "../../resources";
import { CertificateService } from "../../stubs/csms/auth/v1/certificate_service_pb";
import { StationCertificateService } from "../../stubs/csms/station/v1/station_certificate_service_pb";
import type { Text } from "./text";

/** The lists of certificates that the caller may read. */
export function useParts(t: Text): Part[] {
  const permissions = usePermissions();
  const { method } = StationCertificateService;
  return [
    { href: "/certificates", label: t.issued, method: CertificateService.method.listIssuedCertificates },
    { href: "/installed-certificates", label: t.installedAll, method: method.listInstalledCertificates },
    { href: "/certificate-requests", label: t.requestsAll, method: method.listCertificateRequests },
    { href: "/server-roots", label: t.roots, method: method.listServerRoots },
  ].filter((part) => permissions.can(part.method));
}

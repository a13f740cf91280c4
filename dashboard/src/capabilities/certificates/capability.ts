import { defineCapability } from "../../shell/capability";
import { Permission } from "../../stubs/csms/options/v1/options_pb";

const needs = [Permission.STATION_CERTIFICATES_READ];

export const capability = defineCapability({
  name: "certificates",
  routes: [
    { path: "/certificates", load: () => import("./IssuedPage"), needs: [Permission.ISSUED_CERTIFICATES_READ] },
    { path: "/installed-certificates", load: () => import("./InstalledPage"), needs },
    { path: "/certificate-requests", load: () => import("./RequestsPage"), needs },
    { path: "/server-roots", load: () => import("./RootsPage"), needs },
  ],
  navigation: [
    {
      path: "/certificates",
      label: { en: "Certificates", de: "Zertifikate" },
      icon: "shield",
      order: 86,
      needs: [Permission.ISSUED_CERTIFICATES_READ],
      group: "administration",
    },
    {
      path: "/installed-certificates",
      label: { en: "Station certificates", de: "Stationszertifikate" },
      icon: "shield",
      order: 68,
      needs,
      group: "fleet",
      covers: [/^\/certificate-requests$/u, /^\/server-roots$/u],
    },
  ],
  stationTabs: [
    {
      id: "certificates",
      label: { en: "Certificates", de: "Zertifikate" },
      order: 70,
      needs,
      load: () => import("./CertificatesTab"),
    },
  ],
});

import { defineCapability } from "../../shell/capability";
import { Permission } from "../../stubs/csms/options/v1/options_pb";

export const capability = defineCapability({
  name: "certificates",
  routes: [{ path: "/certificates", load: () => import("./IssuedPage"), needs: [Permission.ISSUED_CERTIFICATES_READ] }],
  navigation: [
    {
      path: "/certificates",
      label: { en: "Certificates", de: "Zertifikate" },
      icon: "shield",
      order: 86,
      needs: [Permission.ISSUED_CERTIFICATES_READ],
      group: "administration",
    },
  ],
  stationTabs: [
    {
      id: "certificates",
      label: { en: "Certificates", de: "Zertifikate" },
      order: 70,
      needs: [Permission.STATION_CERTIFICATES_READ],
      load: () => import("./CertificatesTab"),
    },
  ],
});

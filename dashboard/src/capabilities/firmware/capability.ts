import { defineCapability } from "../../shell/capability";
import { Permission } from "../../stubs/csms/options/v1/options_pb";

export const capability = defineCapability({
  name: "firmware",
  routes: [],
  stationTabs: [
    {
      id: "firmware",
      label: { en: "Firmware and logs", de: "Firmware und Logs" },
      order: 60,
      needs: [Permission.FIRMWARE_READ],
      load: () => import("./FirmwareTab"),
    },
  ],
});

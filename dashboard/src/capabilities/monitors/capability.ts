import { defineCapability } from "../../shell/capability";
import { Permission } from "../../stubs/csms/options/v1/options_pb";

export const capability = defineCapability({
  name: "monitors",
  routes: [],
  stationTabs: [
    {
      id: "monitors",
      label: { en: "Monitors", de: "Monitore" },
      order: 25,
      needs: [Permission.MONITORS_READ, Permission.ALARMS_READ],
      load: () => import("./MonitorsTab"),
    },
  ],
});

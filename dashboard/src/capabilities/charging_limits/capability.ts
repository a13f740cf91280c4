import { defineCapability } from "../../shell/capability";
import { Permission } from "../../stubs/csms/options/v1/options_pb";

export const capability = defineCapability({
  name: "charging_limits",
  routes: [],
  stationTabs: [
    {
      id: "limits",
      label: { en: "Limits", de: "Grenzen" },
      order: 41,
      needs: [Permission.CHARGING_PROFILES_READ],
      load: () => import("./LimitsTab"),
    },
  ],
});

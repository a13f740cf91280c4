import { defineCapability } from "../../shell/capability";
import { Permission } from "../../stubs/csms/options/v1/options_pb";

export const capability = defineCapability({
  name: "charging_profiles",
  routes: [],
  stationTabs: [
    {
      id: "profiles",
      label: { en: "Profiles", de: "Profile" },
      order: 40,
      needs: [Permission.CHARGING_PROFILES_READ],
      load: () => import("./ProfilesTab"),
    },
  ],
});

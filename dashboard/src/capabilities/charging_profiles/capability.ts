import { defineCapability } from "../../shell/capability";
import { Permission } from "../../stubs/csms/options/v1/options_pb";

const needs = [Permission.CHARGING_PROFILES_READ];

export const capability = defineCapability({
  name: "charging_profiles",
  routes: [{ path: "/charging-profiles", load: () => import("./ProfilesPage"), needs }],
  navigation: [
    {
      path: "/charging-profiles",
      label: { en: "Charging profiles", de: "Ladeprofile" },
      icon: "chart",
      order: 62,
      needs,
      group: "fleet",
    },
  ],
  stationTabs: [
    {
      id: "profiles",
      label: { en: "Profiles", de: "Profile" },
      order: 40,
      needs,
      load: () => import("./ProfilesTab"),
    },
  ],
});

import { defineCapability } from "../../shell/capability";
import { Permission } from "../../stubs/csms/options/v1/options_pb";

const needs = [Permission.METER_PROFILES_READ];

export const capability = defineCapability({
  name: "meter_profiles",
  routes: [{ path: "/meter-profiles", load: () => import("./MeterProfilesPage"), needs }],
  navigation: [
    {
      path: "/meter-profiles",
      label: { en: "Meter profiles", de: "Zählerprofile" },
      icon: "chart",
      order: 87,
      needs,
      group: "administration",
    },
  ],
});

import { defineCapability } from "../../shell/capability";
import { Permission } from "../../stubs/csms/options/v1/options_pb";

const needs = [Permission.STATIONS_READ];

export const capability = defineCapability({
  name: "variable_drifts",
  routes: [{ path: "/variable-drifts", load: () => import("./VariableDriftsPage"), needs }],
  navigation: [
    {
      path: "/variable-drifts",
      label: { en: "Drifted settings", de: "Abweichungen" },
      icon: "settings",
      order: 73,
      needs,
    },
  ],
});

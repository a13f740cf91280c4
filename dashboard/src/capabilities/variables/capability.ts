import { defineCapability } from "../../shell/capability";
import { Permission } from "../../stubs/csms/options/v1/options_pb";

export const capability = defineCapability({
  name: "variables",
  routes: [],
  stationTabs: [
    {
      id: "variables",
      label: { en: "Variables", de: "Variablen" },
      order: 20,
      needs: [Permission.STATIONS_READ],
      load: () => import("./VariablesTab"),
    },
  ],
});

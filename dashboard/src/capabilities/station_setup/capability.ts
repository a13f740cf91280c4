import { defineCapability } from "../../shell/capability";
import { Permission } from "../../stubs/csms/options/v1/options_pb";

export const capability = defineCapability({
  name: "station_setup",
  routes: [],
  stationTabs: [
    {
      id: "setup",
      label: { en: "Set-up", de: "Einrichtung" },
      order: 90,
      needs: [Permission.STATIONS_WRITE],
      load: () => import("./SetupTab"),
    },
  ],
});

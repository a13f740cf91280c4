import { defineCapability } from "../../shell/capability";
import { Permission } from "../../stubs/csms/options/v1/options_pb";

export const capability = defineCapability({
  name: "station_history",
  routes: [],
  stationTabs: [
    {
      id: "history",
      label: { en: "History", de: "Verlauf" },
      order: 80,
      needs: [Permission.STATIONS_READ],
      load: () => import("./HistoryTab"),
    },
  ],
});

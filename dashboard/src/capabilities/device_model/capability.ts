import { defineCapability } from "../../shell/capability";
import { Permission } from "../../stubs/csms/options/v1/options_pb";

export const capability = defineCapability({
  name: "device_model",
  routes: [],
  stationTabs: [
    {
      id: "device_model",
      label: { en: "Reports and network", de: "Berichte und Netzwerk" },
      order: 22,
      needs: [Permission.STATIONS_READ],
      load: () => import("./DeviceModelTab"),
    },
  ],
});

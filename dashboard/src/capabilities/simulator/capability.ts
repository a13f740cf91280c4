import { defineCapability } from "../../shell/capability";
import { Permission } from "../../stubs/csms/options/v1/options_pb";

const needs = [Permission.SIMULATOR_READ];

export const capability = defineCapability({
  name: "simulator",
  routes: [{ path: "/simulator", load: () => import("./SimulatorPage"), needs }],
  navigation: [
    {
      path: "/simulator",
      label: { en: "Simulator", de: "Simulator" },
      icon: "play",
      order: 90,
      needs,
      group: "administration",
    },
  ],
});

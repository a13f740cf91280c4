import { defineCapability } from "../../shell/capability";
import { Permission } from "../../stubs/csms/options/v1/options_pb";

const needs = [Permission.ENERGY_READ];

export const capability = defineCapability({
  name: "reports",
  routes: [{ path: "/reports", load: () => import("./ReportsPage"), needs }],
  navigation: [
    { path: "/reports", label: { en: "Reports", de: "Berichte" }, icon: "report", order: 60, shortcut: "b", needs },
  ],
});

import { defineCapability } from "../../shell/capability";
import { Permission } from "../../stubs/csms/options/v1/options_pb";

const needs = [Permission.ALARMS_READ];

export const capability = defineCapability({
  name: "alarms",
  routes: [{ path: "/alarms", load: () => import("./AlarmsPage"), needs }],
  navigation: [{ path: "/alarms", label: { en: "Alarms", de: "Alarme" }, icon: "alert", order: 71, needs }],
});

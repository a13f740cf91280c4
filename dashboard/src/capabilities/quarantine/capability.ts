import { defineCapability } from "../../shell/capability";
import { Permission } from "../../stubs/csms/options/v1/options_pb";

const needs = [Permission.QUARANTINE_READ];

export const capability = defineCapability({
  name: "quarantine",
  routes: [{ path: "/quarantine", load: () => import("./QuarantinePage"), needs }],
  navigation: [{ path: "/quarantine", label: { en: "Quarantine", de: "Quarantäne" }, icon: "alert", order: 72, needs }],
});

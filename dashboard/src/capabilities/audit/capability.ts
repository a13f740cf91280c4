import { defineCapability } from "../../shell/capability";
import { Permission } from "../../stubs/csms/options/v1/options_pb";

const needs = [Permission.AUDIT_READ];

export const capability = defineCapability({
  name: "audit",
  routes: [{ path: "/audit", load: () => import("./AuditPage"), needs }],
  navigation: [
    {
      path: "/audit",
      label: { en: "Audit", de: "Audit" },
      icon: "list",
      order: 84,
      needs,
      group: "administration",
    },
  ],
});

import { defineCapability } from "../../shell/capability";
import { Permission } from "../../stubs/csms/options/v1/options_pb";

const needs = [Permission.TENANTS_READ];

export const capability = defineCapability({
  name: "tenants",
  routes: [{ path: "/tenants", load: () => import("./TenantsPage"), needs }],
  navigation: [
    {
      path: "/tenants",
      label: { en: "Tenants", de: "Mandanten" },
      icon: "users",
      order: 85,
      needs,
      group: "administration",
    },
  ],
});

import { defineCapability } from "../../shell/capability";
import { Permission } from "../../stubs/csms/options/v1/options_pb";

const needs = [Permission.ROLES_READ];

export const capability = defineCapability({
  name: "roles",
  routes: [{ path: "/roles", load: () => import("./RolesPage"), needs }],
  navigation: [
    {
      path: "/roles",
      label: { en: "Roles", de: "Rollen" },
      icon: "shield",
      order: 81,
      needs,
      group: "administration",
    },
  ],
});

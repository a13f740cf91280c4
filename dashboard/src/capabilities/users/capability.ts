import { defineCapability } from "../../shell/capability";
import { Permission } from "../../stubs/csms/options/v1/options_pb";

const needs = [Permission.USERS_READ];

export const capability = defineCapability({
  name: "users",
  routes: [{ path: "/users", load: () => import("./UsersPage"), needs }],
  navigation: [
    {
      path: "/users",
      label: { en: "Users", de: "Benutzer" },
      icon: "users",
      order: 80,
      needs,
      group: "administration",
    },
  ],
});

import { defineCapability } from "../../shell/capability";
import { Permission } from "../../stubs/csms/options/v1/options_pb";

const needs = [Permission.OWN_ACCOUNT];

export const capability = defineCapability({
  name: "account",
  routes: [{ path: "/account", load: () => import("./AccountPage"), needs }],
  navigation: [
    {
      path: "/account",
      label: { en: "Account and tenant", de: "Konto und Mandant" },
      icon: "user",
      order: 89,
      needs,
      group: "administration",
    },
  ],
});

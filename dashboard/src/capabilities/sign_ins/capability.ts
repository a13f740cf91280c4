import { defineCapability } from "../../shell/capability";
import { Permission } from "../../stubs/csms/options/v1/options_pb";

const needs = [Permission.SIGN_INS_WRITE];

export const capability = defineCapability({
  name: "sign_ins",
  routes: [{ path: "/sign-ins", load: () => import("./SignInsPage"), needs }],
  navigation: [
    {
      path: "/sign-ins",
      label: { en: "Sign-ins", de: "Anmeldungen" },
      icon: "signOut",
      order: 83,
      needs,
      group: "administration",
    },
  ],
});

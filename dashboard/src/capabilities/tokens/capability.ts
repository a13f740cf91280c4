import { defineCapability } from "../../shell/capability";
import { Permission } from "../../stubs/csms/options/v1/options_pb";

const needs = [Permission.ID_TOKENS_READ];

export const capability = defineCapability({
  name: "tokens",
  routes: [{ path: "/tokens", load: () => import("./TokensPage"), needs }],
  navigation: [
    { path: "/tokens", label: { en: "Tokens", de: "Tokens" }, icon: "token", order: 40, shortcut: "t", needs },
  ],
});

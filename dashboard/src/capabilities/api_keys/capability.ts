import { defineCapability } from "../../shell/capability";
import { Permission } from "../../stubs/csms/options/v1/options_pb";

const needs = [Permission.API_KEYS_READ];

export const capability = defineCapability({
  name: "api_keys",
  routes: [{ path: "/api-keys", load: () => import("./ApiKeysPage"), needs }],
  navigation: [
    {
      path: "/api-keys",
      label: { en: "API keys", de: "API-Schlüssel" },
      icon: "key",
      order: 82,
      needs,
      group: "administration",
    },
  ],
});

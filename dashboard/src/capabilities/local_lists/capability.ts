import { defineCapability } from "../../shell/capability";
import { Permission } from "../../stubs/csms/options/v1/options_pb";

const needs = [Permission.LOCAL_LISTS_READ];

export const capability = defineCapability({
  name: "local_lists",
  routes: [{ path: "/local-lists", load: () => import("./LocalListsPage"), needs }],
  navigation: [
    {
      path: "/local-lists",
      label: { en: "Local lists", de: "Lokale Listen" },
      icon: "list",
      order: 66,
      needs,
      group: "fleet",
    },
  ],
  stationTabs: [
    {
      id: "local_list",
      label: { en: "Local list", de: "Lokale Liste" },
      order: 50,
      needs,
      load: () => import("./LocalListTab"),
    },
  ],
});

import { defineCapability } from "../../shell/capability";
import { Permission } from "../../stubs/csms/options/v1/options_pb";

export const capability = defineCapability({
  name: "local_lists",
  routes: [],
  stationTabs: [
    {
      id: "local_list",
      label: { en: "Local list", de: "Lokale Liste" },
      order: 50,
      needs: [Permission.LOCAL_LISTS_READ],
      load: () => import("./LocalListTab"),
    },
  ],
});

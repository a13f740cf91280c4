import { defineCapability } from "../../shell/capability";
import { Permission } from "../../stubs/csms/options/v1/options_pb";

export const capability = defineCapability({
  name: "display_messages",
  routes: [],
  stationTabs: [
    {
      id: "display",
      label: { en: "Display", de: "Anzeige" },
      order: 65,
      needs: [Permission.DISPLAY_MESSAGES_READ],
      load: () => import("./DisplayTab"),
    },
  ],
});

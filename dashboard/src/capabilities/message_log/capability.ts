import { defineCapability } from "../../shell/capability";
import { Permission } from "../../stubs/csms/options/v1/options_pb";

export const capability = defineCapability({
  name: "message_log",
  routes: [],
  stationTabs: [
    {
      id: "messages",
      label: { en: "Messages", de: "Nachrichten" },
      order: 10,
      needs: [Permission.MESSAGE_LOG_READ],
      load: () => import("./MessagesTab"),
    },
  ],
});

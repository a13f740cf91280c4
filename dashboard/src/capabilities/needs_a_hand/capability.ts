import { defineCapability } from "../../shell/capability";
import { Permission } from "../../stubs/csms/options/v1/options_pb";

const needs = [Permission.STATIONS_READ];

export const capability = defineCapability({
  name: "needs_a_hand",
  routes: [{ path: "/", load: () => import("./NeedsAHandPage"), needs }],
  navigation: [
    {
      path: "/",
      label: { en: "Needs a hand", de: "Zu tun" },
      icon: "alert",
      order: 0,
      shortcut: "h",
      needs,
    },
  ],
});

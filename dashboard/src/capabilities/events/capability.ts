import { defineCapability } from "../../shell/capability";
import { Permission } from "../../stubs/csms/options/v1/options_pb";

const needs = [Permission.EVENTS_READ];

export const capability = defineCapability({
  name: "events",
  routes: [{ path: "/events", load: () => import("./EventsPage"), needs }],
  navigation: [
    { path: "/events", label: { en: "Events", de: "Ereignisse" }, icon: "event", order: 70, shortcut: "e", needs },
  ],
});

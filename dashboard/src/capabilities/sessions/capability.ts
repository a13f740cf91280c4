import { defineCapability } from "../../shell/capability";
import { Permission } from "../../stubs/csms/options/v1/options_pb";

const needs = [Permission.TRANSACTIONS_READ];

export const capability = defineCapability({
  name: "sessions",
  routes: [
    { path: "/sessions", load: () => import("./SessionsPage"), needs },
    { path: "/stations/:stationId/sessions/:transactionId", load: () => import("./SessionPage"), needs },
  ],
  navigation: [
    {
      path: "/sessions",
      label: { en: "Sessions", de: "Ladevorgänge" },
      icon: "session",
      order: 20,
      shortcut: "c",
      covers: [/^\/stations\/[^/]+\/sessions\//u],
      needs,
    },
  ],
  stationTabs: [
    {
      id: "sessions",
      label: { en: "Sessions", de: "Ladevorgänge" },
      order: 10,
      needs,
      load: () => import("./StationSessions"),
    },
  ],
  search: { needs, load: () => import("./search") },
});

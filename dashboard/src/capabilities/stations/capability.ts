import { defineCapability } from "../../shell/capability";
import { Permission } from "../../stubs/csms/options/v1/options_pb";

const needs = [Permission.STATIONS_READ];

export const capability = defineCapability({
  name: "stations",
  routes: [
    { path: "/stations", load: () => import("./StationsPage"), needs },
    { path: "/stations/:stationId", load: () => import("./StationPage"), needs },
    { path: "/station-answers/:run", load: () => import("./AnswersPage"), needs },
  ],
  navigation: [
    { path: "/stations", label: { en: "Stations", de: "Stationen" }, icon: "station", order: 10, shortcut: "s", needs },
  ],
  search: { needs, load: () => import("./search") },
});

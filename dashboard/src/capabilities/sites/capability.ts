import { defineCapability } from "../../shell/capability";
import { Permission } from "../../stubs/csms/options/v1/options_pb";

const needs = [Permission.SITES_READ];

export const capability = defineCapability({
  name: "sites",
  routes: [
    { path: "/sites", load: () => import("./SitesPage"), needs },
    { path: "/sites/map", load: () => import("./MapPage"), needs: [...needs, Permission.STATIONS_READ] },
  ],
  navigation: [
    {
      path: "/sites",
      label: { en: "Sites", de: "Standorte" },
      icon: "site",
      order: 30,
      needs,
    },
  ],
});

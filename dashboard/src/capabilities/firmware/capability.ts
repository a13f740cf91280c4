import { defineCapability } from "../../shell/capability";
import { Permission } from "../../stubs/csms/options/v1/options_pb";

const needs = [Permission.FIRMWARE_READ];

export const capability = defineCapability({
  name: "firmware",
  routes: [
    { path: "/firmware", load: () => import("./UpdatesPage"), needs },
    { path: "/log-uploads", load: () => import("./UploadsPage"), needs: [Permission.LOG_UPLOADS_READ] },
  ],
  navigation: [
    {
      path: "/firmware",
      label: { en: "Firmware and logs", de: "Firmware und Protokolle" },
      icon: "firmware",
      order: 64,
      needs,
      group: "fleet",
      covers: [/^\/log-uploads$/u],
    },
  ],
  stationTabs: [
    {
      id: "firmware",
      label: { en: "Firmware and logs", de: "Firmware und Protokolle" },
      order: 60,
      needs,
      load: () => import("./FirmwareTab"),
    },
  ],
});

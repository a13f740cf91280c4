import type { Translation } from "../../i18n/catalogue";
import type { en } from "./messages.en";

export const de: Translation<typeof en> = {
  firmware: "Firmware-Aktualisierungen",
  logs: "Hochgeladene Protokolle",
  number: "Nummer",
  state: "Zustand",
  version: "Version",
  location: "Ort",
  changed: "Geändert",
  type: "Art",
  update: "Firmware aktualisieren",
  getLog: "Protokoll anfordern",
  look: "Nachschlagen",
  noFirmware: "Keine Firmware-Aktualisierungen",
  noLogs: "Keine hochgeladenen Protokolle",
  publications: "Für andere Stationen veröffentlichte Firmware",
  published: "Veröffentlicht unter",
  publish: "Firmware veröffentlichen",
  unpublish: "Nicht mehr veröffentlichen",
  noPublications: "Diese Station veröffentlicht keine Firmware",
  file: "Datei",
  station: "Station",
};

import type { Translation } from "../../i18n/catalogue";
import type { en } from "./messages.en";

export const de: Translation<typeof en> = {
  firmware: "Firmware-Aktualisierungen",
  logs: "Log-Uploads",
  number: "Nummer",
  state: "Zustand",
  version: "Version",
  location: "Ort",
  changed: "Geändert",
  type: "Art",
  update: "Firmware aktualisieren",
  getLog: "Log holen",
  look: "Nachschlagen",
  noFirmware: "Keine Firmware-Aktualisierungen",
  noLogs: "Keine Log-Uploads",
  file: "Datei",
  station: "Station",
};

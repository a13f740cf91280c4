import type { Translation } from "../../i18n/catalogue";
import type { en } from "./messages.en";

export const de: Translation<typeof en> = {
  title: "Zählerprofile",
  station: "Station",
  vendor: "Hersteller",
  model: "Modell",
  version: "Firmware-Version",
  kind: "Ladepunkt",
  power: "Leistung höchstens",
  source: "Messwerte aus",
  changed: "Geändert",
  by: "Von",
  set: "Profil setzen",
  update: "Profil ändern",
  look: "Nachschlagen",
  remove: "Profil löschen",
  removeText: "Ladevorgänge, die damit bewertet wurden, bleiben so, bis sie neu bewertet werden.",
  empty: "Keine Zählerprofile",
  emptyText:
    "Ein Zählerprofil sagt, wie der Zähler eines Modells zu lesen ist: Skala, Leistung und welche Messwerte gelten.",
};

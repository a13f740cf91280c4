import type { Translation } from "../../i18n/catalogue";
import type { en } from "./messages.en";

export const de: Translation<typeof en> = {
  title: "Lokale Liste",
  state: "Stand der Liste",
  look: "Stand lesen",
  token: "Token",
  type: "Art",
  status: "Status",
  sync: "Abgleichen",
  empty: "Die lokale Liste ist leer",
  emptyText:
    "Nach ihrer lokalen Liste entscheidet die Station, während sie offline ist. Gleichen Sie sie mit den Tokens ab.",
  station: "Station",
  titleAll: "Lokale Listen",
  sync_state: "Abgleich",
  version: "Version",
  entries: "Einträge",
  leftOut: "Ausgelassen",
  error: "Fehler",
  synced: "Zuletzt abgeglichen",
  noLists: "Keine lokale Liste ist bekannt",
};

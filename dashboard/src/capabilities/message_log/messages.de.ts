import type { Translation } from "../../i18n/catalogue";
import type { en } from "./messages.en";

export const de: Translation<typeof en> = {
  title: "Nachrichten",
  time: "Zeit",
  action: "Action",
  type: "Art",
  direction: "Richtung",
  payload: "Inhalt",
  id: "Nachrichten-ID",
  fromStation: "Station →",
  toStation: "← Zentrale",
  station: "Von der Station",
  central: "Von der Zentrale",
  error: "Fehler",
  empty: "Keine Nachrichten aufbewahrt",
  emptyText:
    "Jeder Frame der Station wird hier so viele Tage aufbewahrt, wie es die Einstellungen des Mandanten sagen.",
  search: "Nachrichten suchen",
  refresh: "Neu lesen",
};

import type { Translation } from "../../i18n/catalogue";
import type { en } from "./messages.en";

export const de: Translation<typeof en> = {
  title: "Nachrichten auf der Anzeige",
  state: "Zustand",
  message: "Nummer",
  content: "Inhalt",
  priority: "Vorrang",
  shown: "Zu sehen bei",
  from: "Ab",
  until: "Bis",
  session: "Ladevorgang",
  set: "Nachricht setzen",
  ask: "Bericht anfordern",
  clear: "Nachricht löschen",
  empty: "Keine Nachrichten bekannt",
  emptyText: "Eine Nachricht, die hier gesetzt wird, erscheint auf der Anzeige einer Station mit OCPP 2.x.",
};

import type { Translation } from "../../i18n/catalogue";
import type { en } from "./messages.en";

export const de: Translation<typeof en> = {
  title: "Mandanten",
  tenant: "Mandant",
  name: "Name",
  state: "Zustand",
  host: "Hostname",
  stations: "Stationen höchstens",
  rate: "Nachrichten je Sekunde höchstens",
  any: "beliebig",
  added: "Angelegt",
  create: "Neuer Mandant",
  update: "Mandant ändern",
  look: "Nachschlagen",
  suspend: "Aussetzen",
  suspendText:
    "Seine Bedienpersonen und Stationen werden abgewiesen, bis er fortgesetzt wird. An den Stationen geht nichts verloren.",
  resume: "Fortsetzen",
  remove: "Mandant entfernen",
  removeText: "Alle seine Daten werden in jedem Dienst gelöscht.",
  empty: "Keine Mandanten",
};

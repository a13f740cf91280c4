import type { Translation } from "../../i18n/catalogue";
import type { en } from "./messages.en";

export const de: Translation<typeof en> = {
  title: "Rollen",
  role: "Rolle",
  name: "Name",
  permissions: "Berechtigungen",
  builtIn: "Eingebaut",
  own: "Eigene",
  kind: "Art",
  changed: "Geändert",
  create: "Neue Rolle",
  update: "Rolle ändern",
  look: "Nachschlagen",
  remove: "Rolle löschen",
  removeText: "Benutzer verlieren innerhalb von fünf Sekunden, was sie allein durch diese Rolle dürfen.",
  empty: "Keine Rollen",
};

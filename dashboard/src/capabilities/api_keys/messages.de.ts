import type { Translation } from "../../i18n/catalogue";
import type { en } from "./messages.en";

export const de: Translation<typeof en> = {
  title: "API-Schlüssel",
  name: "Name",
  prefix: "Beginnt mit",
  creator: "Angelegt von",
  added: "Angelegt",
  expires: "Gültig bis",
  used: "Zuletzt benutzt",
  create: "Neuer Schlüssel",
  revoke: "Schlüssel sperren",
  revokeText: "Programme, die ihn benutzen, werden innerhalb von fünf Sekunden abgewiesen.",
  empty: "Noch keine API-Schlüssel",
  emptyText:
    "Ein Programm ruft die API mit einem eigenen Schlüssel auf, der eigene Berechtigungen und ein Ende hat. Der Schlüssel wird einmal angezeigt.",
};

import type { Translation } from "../../i18n/catalogue";
import type { en } from "./messages.en";

export const de: Translation<typeof en> = {
  title: "Variablen",
  component: "Komponente",
  variable: "Variable",
  value: "Wert",
  attribute: "Attribut",
  readonly: "Nur lesbar",
  changed: "Gelesen",
  yes: "ja",
  no: "nein",
  rebootRequired: "Nach Neustart",
  drifted: (wished: string) => `War auf ${wished} gesetzt`,
  report: "Bericht über alle anfordern",
  set: "Variable setzen",
  get: "Station fragen",
  empty: "Keine Variablen bekannt",
  emptyText:
    "Fragen Sie die Station nach ihren Variablen oder nach einem Bericht über alle (OCPP 2.x): Die Antwort bleibt hier.",
  search: "Variablen suchen",
  change: "Ändern",
};

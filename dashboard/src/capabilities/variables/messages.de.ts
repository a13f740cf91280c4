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
  set: "Variable setzen",
  get: "Station fragen",
  empty: "Keine Variablen bekannt",
  emptyText: "Fragen Sie die Station nach ihren Variablen: Die Antwort bleibt hier.",
  search: "Variablen suchen",
  change: "Ändern",
};

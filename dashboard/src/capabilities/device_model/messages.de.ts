import type { Translation } from "../../i18n/catalogue";
import type { en } from "./messages.en";

export const de: Translation<typeof en> = {
  reports: "Berichte über Variablen",
  number: "Nummer",
  kind: "Art",
  state: "Zustand",
  parts: "Teile",
  partsOf: (received: number, total: number | undefined) =>
    total === undefined ? String(received) : `${String(received)} von ${String(total)}`,
  attributes: "Werte",
  asked: "Angefordert",
  changed: "Letzter Teil",
  custom: "Auswahl",
  askAll: "Basisbericht anfordern",
  askSome: "Bericht anfordern",
  missing: "Fehlende Teile zeigen",
  noReports: "Kein Bericht angefordert",
  noReportsText:
    "Fordern Sie einen Basisbericht an: Die Station sendet ihre Variablen in Teilen, und sie bleiben hier.",
  receiving: "Wird empfangen",
  complete: "Vollständig",
  incomplete: "Unvollständig",
  refused: "Abgelehnt",
  history: "Geänderte Werte",
  component: "Komponente",
  variable: "Variable",
  before: "Vorher",
  after: "Nachher",
  time: "Zeit",
  search: "Änderungen suchen",
  noChanges: "Kein Wert hat sich geändert",
  noChangesText:
    "Eine Änderung wird sichtbar, wenn eine Variable mit einem anderen Wert gelesen, gesetzt oder gemeldet wird.",
  profiles: "Netzwerkprofile",
  slot: "Platz",
  url: "CSMS",
  network: "Schnittstelle",
  security: "Sicherheitsprofil",
  answer: "Antwort der Station",
  accepted: "Angenommen",
  unknown: "Nicht bekannt",
  by: "Gesetzt von",
  set: "Profil setzen",
  noProfiles: "Von hier aus wurde kein Netzwerkprofil gesetzt",
  noProfilesText:
    "Setzen Sie eines auf einen Platz, und nennen Sie den Platz in der Variablen NetworkConfigurationPriority der Station.",
};

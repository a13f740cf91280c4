import type { Translation } from "../../i18n/catalogue";
import type { en } from "./messages.en";

export const de: Translation<typeof en> = {
  title: "Standorte",
  site: "Standort",
  kind: "Art",
  place: "Ort",
  zone: "Zeitzone",
  labels: "Merkmale",
  id: "ID",
  create: "Standort hinzufügen",
  part: "Teil hinzufügen",
  update: "Standort ändern",
  move: "Verschieben",
  remove: "Standort löschen",
  removeText: "Ein Standort mit Teilen oder Stationen lässt sich nicht löschen.",
  look: "Nachschlagen",
  stations: "Stationen hier",
  empty: "Noch keine Standorte",
  emptyText:
    "Ein Standort hat Teile, etwa Gebäude, Stockwerke und Zuleitungen, in beliebiger Tiefe. Stationen stehen darin; Listen, Rollouts und Rollen lassen sich darauf beschränken.",
  search: "Standorte suchen",
};

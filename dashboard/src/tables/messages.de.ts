import type { Translation } from "../i18n/catalogue";
import type { en } from "./messages.en";

export const de: Translation<typeof en> = {
  columns: "Spalten",
  searchIn: (list: string) => `Suchen: ${list}`,
  selectAll: "Alle Zeilen auswählen",
  selectRow: (name: string) => `${name} auswählen`,
  selected: (count: string) => `${count} ausgewählt`,
  clearSelection: "Auswahl aufheben",
  rows: (count: string, more: boolean) =>
    more ? `${count} angezeigt, weitere unten` : count === "1" ? "1 Zeile" : `${count} Zeilen`,
  sortAscending: (label: string) => `Nach ${label} aufsteigend ordnen`,
  sortDescending: (label: string) => `Nach ${label} absteigend ordnen`,
  unsorted: (label: string) => `Zurück zur ursprünglichen Reihenfolge, ohne ${label}`,
  loadingMore: "Weitere Zeilen werden geladen",
  loadingAll: "Alle Zeilen werden geladen, um sie zu ordnen",
  noMatch: "Nichts passt",
  noMatchText: "Keine Zeile passt zu Suche und Filtern.",
  clearFilters: "Filter aufheben",
  any: "Alle",
  moreFailed: "Die nächsten Zeilen konnten nicht geladen werden",
  views: "Ansichten",
  saveView: "Diese Ansicht speichern",
  viewName: "Name der Ansicht",
  save: "Speichern",
  deleteView: (name: string) => `${name} löschen`,
  resetView: "Standardansicht",
};

import type { Translation } from "../../i18n/catalogue";
import type { en } from "./messages.en";

export const de: Translation<typeof en> = {
  title: "Ereignisse",
  live: "Laufend",
  kept: "Alle aufbewahrten",
  type: "Art",
  source: "Dienst",
  station: "Station",
  time: "Zeit",
  actor: "Ausgelöst von",
  data: "Einzelheiten",
  pause: "Anhalten",
  resume: "Weiter",
  paused: "Angehalten: Was jetzt geschieht, erscheint hier nicht.",
  waiting: "Wartet auf das nächste Ereignis",
  waitingText:
    "Jede Änderung an einer Station, in einem Ladevorgang oder durch eine Bedienperson erscheint hier sofort.",
  none: "Keine Ereignisse aufbewahrt",
  search: "Ereignisse suchen",
  all: "Alle",
};

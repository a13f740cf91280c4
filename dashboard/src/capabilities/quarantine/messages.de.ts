import type { Translation } from "../../i18n/catalogue";
import type { en } from "./messages.en";

export const de: Translation<typeof en> = {
  title: "Quarantäne",
  items: "Nachrichten, die sich nicht aufzeichnen ließen",
  unmatched: "Ereignisse ohne Ladevorgang",
  station: "Station",
  transaction: "Ladevorgang",
  state: "Zustand",
  reason: "Grund",
  message: "Fehler",
  runs: "Versuche",
  received: "Empfangen",
  changed: "Geändert",
  mend: "Berichtigen und aufzeichnen",
  rerun: "Unverändert erneut versuchen",
  dismiss: "Verwerfen",
  dismissText:
    "Die Nachricht bleibt in der Liste und wird nie aufgezeichnet. Ihre Energie ist dann in keinem Ladevorgang.",
  look: "Nachschlagen",
  open: "Offen",
  recorded: "Aufgezeichnet",
  dismissed: "Verworfen",
  empty: "Nichts ist in Quarantäne",
  emptyText:
    "Eine Nachricht über einen Ladevorgang, die sich nicht aufzeichnen lässt, wird beantwortet und mit ihrem Inhalt hier aufbewahrt, bis sie berichtigt oder verworfen ist.",
  noUnmatched: "Jedes Ereignis gehört zu einem Ladevorgang",
  noUnmatchedText: "Hier warten Ereignisse, deren Beginn noch nicht kam oder deren Ladevorgang nicht bekannt ist.",
  event: "Ereignis",
};

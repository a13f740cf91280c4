import type { Translation } from "../../i18n/catalogue";
import type { en } from "./messages.en";

export const de: Translation<typeof en> = {
  title: "Alarme",
  state: "Zustand",
  station: "Station",
  component: "Komponente",
  variable: "Variable",
  value: "Wert",
  severity: "Schwere",
  evse: "Ladepunkt",
  code: "Code",
  text: "Text",
  count: "Anzahl",
  opened: "Begonnen",
  closed: "Beendet",
  open: "Offen",
  over: "Beendet",
  search: "Alarme suchen",
  empty: "Keine Alarme",
  emptyText: "Ein Monitor einer Station mit OCPP 2.x, der eine Warnung meldet, öffnet hier einen Alarm.",
};

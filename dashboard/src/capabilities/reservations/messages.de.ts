import type { Translation } from "../../i18n/catalogue";
import type { en } from "./messages.en";

export const de: Translation<typeof en> = {
  title: "Reservierungen",
  reservation: "Nummer",
  evse: "Ladepunkt",
  token: "Token",
  state: "Zustand",
  until: "Bis",
  create: "Reservieren",
  cancel: "Reservierung aufheben",
  look: "Nachschlagen",
  empty: "Keine Reservierungen",
  emptyText: "Eine Reservierung hält einen Anschluss bis zu einem Zeitpunkt für ein Token frei.",
  any: "beliebig",
  station: "Station",
};

import type { Translation } from "../../i18n/catalogue";
import type { en } from "./messages.en";

export const de: Translation<typeof en> = {
  title: "Fremde Grenzen",
  evse: "EVSE",
  source: "Quelle",
  state: "Zustand",
  limits: "Grenzen",
  critical: "Netzkritisch",
  yes: "Ja",
  received: "Gemeldet",
  empty: "Keine fremden Grenzen",
  emptyText: "Eine Station meldet hier, was ein Energiemanagement vor Ort oder der Netzbetreiber begrenzt.",
};

import type { Translation } from "../../i18n/catalogue";
import type { en } from "./messages.en";

export const de: Translation<typeof en> = {
  title: "Daten der Station über Fahrer",
  state: "Zustand",
  report: "Bericht",
  driver: "Fahrer",
  data: "Daten",
  asked: "Angefordert",
  request: "Anfordern oder löschen",
  empty: "Nichts wurde angefordert",
  emptyText: "Eine Station mit OCPP 2.x meldet oder löscht, was sie über einen Fahrer gespeichert hat.",
};

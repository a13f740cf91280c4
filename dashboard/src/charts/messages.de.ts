import type { Translation } from "../i18n/catalogue";
import type { en } from "./messages.en";

export const de: Translation<typeof en> = {
  asTable: "Als Tabelle",
  asChart: "Als Diagramm",
  time: "Zeit",
  described: (label: string) => `${label}: ein Diagramm. Die Werte stehen in der Tabelle.`,
};

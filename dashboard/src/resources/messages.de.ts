import type { Translation } from "../i18n/catalogue";
import type { en } from "./messages.en";

export const de: Translation<typeof en> = {
  actions: "Aktionen",
  actionsOf: (name: string) => `Aktionen für ${name}`,
  details: "Einzelheiten",
  done: "Erledigt.",
  cannotUndo: "Das lässt sich nicht rückgängig machen.",
};

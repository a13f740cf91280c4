import type { Translation } from "../i18n/catalogue";
import type { en } from "./messages.en";

export const de: Translation<typeof en> = {
  actions: "Aktionen",
  actionsOf: (name: string) => `Aktionen für ${name}`,
  details: "Einzelheiten",
  gone: "Der Eintrag ist nicht oder nicht mehr in dieser Liste. Andere Filter zeigen ihn vielleicht.",
  station: "Station",
  searchStation: "Nach Kennung der Station suchen",
  done: "Erledigt.",
  cannotUndo: "Das lässt sich nicht rückgängig machen.",
  stop: "Laden beenden",
  stopText: (station: string) => `Ein Befehl geht an ${station}. Der Ladevorgang endet, sobald die Station das meldet.`,
};

import type { Translation } from "../../i18n/catalogue";
import type { en } from "./messages.en";

export const de: Translation<typeof en> = {
  title: "Abgewichene Einstellungen",
  station: "Station",
  component: "Komponente",
  variable: "Variable",
  wished: "Gesetzt auf",
  value: "Hat jetzt",
  since: "Gesehen",
  search: "Einstellungen suchen",
  repair: "Per Rollout erneut setzen",
  empty: "Keine Einstellung ist abgewichen",
  emptyText:
    "Eine Variable, die eine Bedienperson oder ein Rollout gesetzt hat und die eine Station später mit einem anderen Wert meldet, steht hier.",
};

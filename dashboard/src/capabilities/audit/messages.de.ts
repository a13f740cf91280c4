import type { Translation } from "../../i18n/catalogue";
import type { en } from "./messages.en";

export const de: Translation<typeof en> = {
  title: "Audit",
  time: "Zeit",
  actor: "Wer",
  kind: "Art",
  action: "Aufruf",
  resource: "Was",
  change: "Änderung",
  outcome: "Ausgang",
  count: "Anzahl",
  address: "Von",
  source: "Dienst",
  sequence: "Nummer",
  verify: "Ketten prüfen",
  export: "Exportieren",
  exporting: "Der Export wird geschrieben.",
  empty: "Noch keine Einträge",
  user: "Benutzer",
  apiKey: "API-Schlüssel",
  job: "Auftrag",
  anonymous: "Niemand",
};

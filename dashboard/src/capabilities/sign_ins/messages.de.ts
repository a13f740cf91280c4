import type { Translation } from "../../i18n/catalogue";
import type { en } from "./messages.en";

export const de: Translation<typeof en> = {
  title: "Anmeldungen",
  user: "Benutzer",
  begun: "Angemeldet",
  refreshed: "Zuletzt erneuert",
  expires: "Endet",
  agent: "Programm",
  address: "Adresse",
  current: "diese",
  end: "Abmelden",
  endAll: "Benutzer überall abmelden",
  keys: "Signaturschlüssel ersetzen",
  keysText: "Alle Zugriffstokens werden sofort ungültig. Anmeldungen gehen mit neuen weiter.",
  empty: "Niemand ist angemeldet",
};

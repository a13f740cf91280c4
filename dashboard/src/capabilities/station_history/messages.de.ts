import type { Translation } from "../../i18n/catalogue";
import type { en } from "./messages.en";

export const de: Translation<typeof en> = {
  statuses: "Statusmeldungen",
  security: "Sicherheitsereignisse",
  transfers: "Datenübertragungen",
  placements: "Standorte bisher",
  meterValues: "Messwerte außerhalb von Ladevorgängen",
  time: "Zeit",
  evse: "Ladepunkt",
  status: "Status",
  error: "Fehler",
  info: "Angaben",
  type: "Art",
  tech: "Einzelheiten",
  critical: "Schwere",
  vendor: "Hersteller",
  message: "Nachricht",
  data: "Daten",
  site: "Standort",
  since: "Seit",
  until: "Bis",
  by: "Von",
  none: "Nichts wurde gemeldet",
  received: "Empfangen",
};

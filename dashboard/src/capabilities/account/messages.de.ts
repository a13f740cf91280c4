import type { Translation } from "../../i18n/catalogue";
import type { en } from "./messages.en";

export const de: Translation<typeof en> = {
  title: "Konto und Mandant",
  account: "Ihr Konto",
  password: "Passwort ändern",
  signIns: "Ihre Anmeldungen",
  begun: "Angemeldet",
  refreshed: "Zuletzt erneuert",
  agent: "Programm",
  address: "Adresse",
  current: "diese",
  end: "Abmelden",
  endAll: "Überall abmelden",
  noSignIns: "Keine Anmeldungen",
  tenant: "Mandant",
  settings: "Einstellungen ändern",
  exportTenant: "Alle Daten exportieren",
  drivers: "Daten der Fahrer",
  driver: "Token des Fahrers",
  exportDriver: "Daten eines Fahrers exportieren",
  erase: "Fahrer löschen",
  eraseText:
    "Das Token des Fahrers wird überall, wo Aufzeichnungen bleiben müssen, durch einen Namen ohne Bedeutung ersetzt und sonst entfernt. Es gibt keinen Weg zurück.",
  erasure: "Löschung",
  state: "Zustand",
  asked: "Angefordert",
  finished: "Abgeschlossen",
  look: "Nachschlagen",
  noErasures: "Kein Fahrer wurde gelöscht",
};

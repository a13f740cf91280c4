import type { Translation } from "../i18n/catalogue";
import type { en } from "./messages.en";

export const de: Translation<typeof en> = {
  faults: {
    required: "Diese Angabe ist erforderlich.",
    integer: "Geben Sie eine ganze Zahl ein.",
    number: "Geben Sie eine Zahl ein.",
    json: "Das ist kein gültiges JSON dieser Form.",
    time: "Geben Sie Datum und Uhrzeit ein.",
    duration: "Geben Sie eine Anzahl von Sekunden ein.",
    base64: "Geben Sie Bytes in Base64 ein.",
  },
  unspecified: "Nicht angegeben",
  yes: "Ja",
  no: "Nein",
  add: (label: string) => `${label} hinzufügen`,
  remove: (label: string) => `${label} entfernen`,
  advanced: "Erweitert",
  key: "Schlüssel",
  value: "Wert",
  chooseOne: "Eines von",
  send: "Senden",
  answer: "Antwort",
  emptyAnswer: "Erledigt. Die Antwort hat keinen Inhalt.",
  asCommand: "Als Befehlszeile",
  tokenHint: "TOKEN ist Ihr Zugriffstoken.",
  asJson: "Als JSON",
  nothingNeeded: "Hierfür ist keine Eingabe nötig.",
  failed: "Das wurde abgelehnt",
  help: (label: string) => `Hilfe zu ${label}`,
};

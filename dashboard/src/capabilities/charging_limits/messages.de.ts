import type { Translation } from "../../i18n/catalogue";
import type { en } from "./messages.en";

export const de: Translation<typeof en> = {
  title: "Grenzen von außen",
  evse: "Ladepunkt",
  source: "Quelle",
  state: "Zustand",
  limits: "Grenzen",
  critical: "Netzkritisch",
  yes: "Ja",
  received: "Gemeldet",
  empty: "Keine Grenzen von außen",
  emptyText: "Eine Station meldet hier, was ein Energiemanagement vor Ort oder der Netzbetreiber begrenzt.",
  vehicles: "Verhandelnde Fahrzeuge",
  transaction: "Ladevorgang",
  mode: "Art der Übertragung",
  takes: "Nimmt höchstens",
  needs: "Braucht",
  leaves: "Abfahrt",
  profile: "Profil",
  schedule: "Sein Ladeplan",
  exceeds: "Über den Grenzen",
  changed: "Geändert",
  noVehicles: "Kein Fahrzeug hat verhandelt",
  noVehiclesText:
    "Ein Fahrzeug mit ISO 15118 meldet seiner Station hier, was es braucht und welchen Ladeplan es gewählt hat.",
};

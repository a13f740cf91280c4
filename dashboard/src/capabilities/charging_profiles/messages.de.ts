import type { Translation } from "../../i18n/catalogue";
import type { en } from "./messages.en";

export const de: Translation<typeof en> = {
  title: "Ladeprofile",
  id: "Profil",
  evse: "Ladepunkt",
  purpose: "Zweck",
  level: "Stufe",
  state: "Zustand",
  changed: "Geändert",
  set: "Profil setzen",
  clear: "Profile löschen",
  composite: "Wirksamer Ladeplan",
  empty: "Keine Ladeprofile",
  emptyText:
    "Ein Ladeprofil begrenzt Strom oder Leistung einer Station, eines Ladepunkts oder eines Ladevorgangs im Lauf der Zeit.",
  station: "Station",
  limits: "Grenzen",
  effective: "Geltende Grenze",
  noLimits: "Kein Profil begrenzt diese Station zurzeit.",
  evseChoice: "Ladepunkt",
  whole: "Station als Ganzes",
  rangeDay: "24 Stunden",
  rangeWeek: "7 Tage",
  range: "Zeitraum",
  assumed: "Grenzen, die mit dem Laden beginnen, sind gezeichnet, als begänne es jetzt.",
  noneInRange: "Dieses Profil begrenzt in diesem Zeitraum nichts.",
  profileName: (purpose: string, id: string, level: number) => `${purpose} ${id}, Stufe ${String(level)}`,
  limitsIn: (unit: string) => `Grenzen in ${unit}`,
  shortName: (id: string, level: number) => `${id}, Stufe ${String(level)}`,
};

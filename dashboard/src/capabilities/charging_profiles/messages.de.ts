import type { Translation } from "../../i18n/catalogue";
import type { en } from "./messages.en";

export const de: Translation<typeof en> = {
  title: "Ladeprofile",
  id: "Profil",
  evse: "EVSE",
  purpose: "Zweck",
  level: "Stufe",
  state: "Zustand",
  changed: "Geändert",
  set: "Profil setzen",
  clear: "Profile löschen",
  composite: "Wirksamer Plan",
  empty: "Keine Ladeprofile",
  emptyText:
    "Ein Ladeprofil begrenzt Strom oder Leistung einer Station, eines EVSE oder eines Ladevorgangs über die Zeit.",
};

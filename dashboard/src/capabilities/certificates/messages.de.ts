import type { Translation } from "../../i18n/catalogue";
import type { en } from "./messages.en";

export const de: Translation<typeof en> = {
  installed: "In der Station installiert",
  requests: "Anfragen der Station",
  issued: "Von hier ausgestellt",
  use: "Verwendung",
  serial: "Seriennummer",
  chain: "Zertifikate darüber",
  state: "Zustand",
  reason: "Grund",
  asked: "Angefragt",
  expires: "Gültig bis",
  read: "Gelesen",
  install: "Installieren",
  remove: "Löschen",
  ask: "Station fragen",
  authority: "Zertifizierungsstelle",
  subject: "Inhaber",
  noInstalled: "Keine Zertifikate bekannt",
  noRequests: "Keine Anfragen",
  noIssued: "Keines wurde ausgestellt",
  certificates: "Zertifikate",
  station: "Station",
  installedAll: "In Stationen installiert",
  requestsAll: "Anfragen von Stationen",
};

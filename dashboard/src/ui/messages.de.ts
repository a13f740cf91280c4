import type { Translation } from "../i18n/catalogue";
import type { en } from "./messages.en";

export const de: Translation<typeof en> = {
  close: "Schließen",
  cancel: "Abbrechen",
  copy: "Kopieren",
  copied: "Kopiert",
  more: "Mehr",
  tryAgain: "Noch einmal versuchen",
  loading: "Wird geladen",
  clear: "Leeren",
  notifications: "Meldungen",
  typeNumber: (count: number) => `Zur Bestätigung ${String(count)} eingeben`,
  requestId: (id: string) => `Anfrage ${id}`,
  errorTitle: "Das konnte nicht geladen werden",
  unreachable: "Das System ist nicht erreichbar. Prüfen Sie das Netz; die Seite versucht es von selbst wieder.",
  tookTooLong: "Das System hat nicht rechtzeitig geantwortet. Versuchen Sie es gleich noch einmal.",
  forbidden: "Dafür haben Sie keine Berechtigung. Ein Verwalter kann Ihnen eine Rolle geben, die sie enthält.",
  notFound: "Unter diesem Namen gibt es hier nichts.",
  retryIn: (seconds: number) => `In ${String(seconds)} s noch einmal versuchen.`,
  states: {
    available: "Frei",
    charging: "Lädt",
    occupied: "Belegt",
    reserved: "Reserviert",
    faulted: "Gestört",
    unavailable: "Außer Betrieb",
    offline: "Offline",
    online: "Online",
    unknown: "Unbekannt",
  },
};

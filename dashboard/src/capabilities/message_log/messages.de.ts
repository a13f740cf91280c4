import type { Translation } from "../../i18n/catalogue";
import type { en } from "./messages.en";

export const de: Translation<typeof en> = {
  title: "Nachrichten",
  time: "Zeit",
  station: "Station",
  central: "Zentralsystem",
  fromStation: "Von der Station",
  toStation: "An die Station",
  begunBy: "Begonnen von",
  action: "Aktion",
  kind: "Art",
  errors: "Fehler",
  any: "alle",
  unreadable: "Nicht lesbar",
  noAnswer: "Keine Antwort hier",
  took: (ms: string) => `${ms} ms`,
  open: (action: string) => `Inhalt von ${action}`,
  session: "Ladevorgang",
  following: "Live",
  paused: "Angehalten",
  lost: "Live unterbrochen, verbindet neu",
  pause: "Anhalten",
  follow: "Mitlesen",
  refresh: "Neu lesen",
  older: "Ältere Nachrichten",
  empty: "Keine Nachrichten aufbewahrt",
  emptyText:
    "Jede Nachricht der Station wird hier so viele Tage aufbewahrt, wie es die Einstellungen des Mandanten sagen.",
  words: {
    boot: (station: string, firmware: string) =>
      `${station || "Die Station"} ist gestartet${firmware ? `, Firmware ${firmware}` : ""}`,
    status: (connector: string, status: string, error: string) =>
      `Anschluss ${connector || "0"} ist ${status}${error ? `: ${error}` : ""}`,
    start: (connector: string, token: string) => `${token} beginnt an Anschluss ${connector} zu laden`,
    stop: (transaction: string, reason: string) =>
      `Ladevorgang ${transaction} ist beendet${reason ? `, Grund ${reason}` : ""}`,
    meter: (connector: string, value: string) => `Zähler von Anschluss ${connector || "0"}: ${value}`,
    authorize: (token: string) => `Darf ${token} laden?`,
    event: (kind: string, transaction: string, trigger: string) =>
      `Ladevorgang ${transaction}: ${kind}, Auslöser ${trigger}`,
    heartbeat: "Die Station ist da und fragt nach der Zeit",
    remoteStart: (connector: string, token: string) =>
      connector ? `Laden für ${token} an ${connector} beginnen` : `Laden für ${token} beginnen`,
    remoteStop: (transaction: string) => `Ladevorgang ${transaction} beenden`,
    reset: (kind: string) => `Neustart: ${kind}`,
    unlock: (connector: string) => `Anschluss ${connector} entriegeln`,
  },
};

import type { Translation } from "../../i18n/catalogue";
import type { en } from "./messages.en";

export const de: Translation<typeof en> = {
  title: "Anmelden",
  lead: "ocpp-mesh, das Zentralsystem Ihrer Ladestationen",
  username: "Benutzername",
  password: "Passwort",
  newPassword: "Neues Passwort",
  newPasswordLead: "Ihr Passwort gilt nur vorläufig. Wählen Sie ein neues: 8 bis 256 Zeichen, kein gängiges Wort.",
  tenant: "Mandant",
  tenantHelp: "Leer: der Mandant dieser Adresse.",
  otherTenant: "Anderer Mandant",
  signIn: "Anmelden",
  setPassword: "Passwort setzen und anmelden",
  needed: "Diese Angabe ist erforderlich.",
  wrong: "Benutzername oder Passwort ist falsch.",
  tooMany: (seconds: string) => `Zu viele Versuche. Warten Sie ${seconds} s und versuchen Sie es noch einmal.`,
  failed: "Sie konnten nicht angemeldet werden",
  language: "English",
};

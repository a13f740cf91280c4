import type { Translation } from "../../i18n/catalogue";
import type { en } from "./messages.en";

export const de: Translation<typeof en> = {
  title: "Benutzer",
  invitations: "Einladungen",
  user: "Benutzer",
  role: "Rolle",
  roles: "Weitere Rollen",
  added: "Angelegt",
  temporary: "Vorläufig bis",
  create: "Benutzer anlegen",
  invite: "Einladen",
  update: "Benutzer ändern",
  password: "Passwort setzen",
  reset: "Passwort zurücksetzen",
  resetText: "Der Benutzer wird überall abgemeldet und bekommt ein vorläufiges Passwort, das einmal angezeigt wird.",
  remove: "Benutzer löschen",
  removeText: "Der Benutzer ist innerhalb von fünf Sekunden überall abgemeldet.",
  revoke: "Zurücknehmen",
  link: "Senden Sie dem neuen Benutzer diesen Link. Er wird einmal angezeigt.",
  inviter: "Eingeladen von",
  expires: "Gültig bis",
  everywhere: "überall",
  empty: "Keine Benutzer",
  noInvitations: "Keine offenen Einladungen",
  noInvitationsText: "Eine Einladung hat einen Link, mit dem ein neuer Benutzer sein Passwort setzt.",
};

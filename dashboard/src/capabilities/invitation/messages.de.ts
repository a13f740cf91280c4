import type { Translation } from "../../i18n/catalogue";
import type { en } from "./messages.en";

export const de: Translation<typeof en> = {
  title: "Willkommen",
  lead: "Setzen Sie ein Passwort für Ihr neues Konto.",
  accept: "Passwort setzen",
  done: "Ihr Konto ist bereit.",
  signIn: "Anmelden",
  missing: "Dieser Link enthält keine Einladung",
  missingText: "Öffnen Sie den ganzen Link, den Sie bekommen haben, oder bitten Sie um eine neue Einladung.",
};

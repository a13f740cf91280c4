import type { Translation } from "../../i18n/catalogue";
import type { en } from "./messages.en";

export const de: Translation<typeof en> = {
  change: "Station ändern",
  changeText:
    "Das ändert, was hier aufgezeichnet ist; an die Station wird nichts gesendet. Eine, die nicht mehr zugelassen ist, wird getrennt. Ein anderes Sicherheitsprofil gilt ab ihrer nächsten Verbindung. An einem anderen Standort gehören ihre Ladevorgänge und Ereignisse von da an zu diesem.",
  rotate: "Neues Passwort geben",
  rotateText: "Bei Übergabe wird das neue über die gegenwärtige Verbindung der Station gesendet.",
  reconnect: "Verbindung schließen",
  remove: "Station löschen",
  removeTitle: (station: string) => `${station} löschen?`,
  removeText: "Ihre Ladevorgänge bleiben aufgezeichnet. Verbindet sie sich erneut, ist sie eine neue Station.",
};

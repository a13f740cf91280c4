import { catalogue, useMessages } from "../i18n/catalogue";
import { de } from "./messages.de";
import { en } from "./messages.en";

const messages = catalogue(en, de);

export function useResourceText() {
  return useMessages(messages);
}

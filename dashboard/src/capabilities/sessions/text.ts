import { catalogue, useMessages } from "../../i18n/catalogue";
import { de } from "./messages.de";
import { en } from "./messages.en";

const messages = catalogue(en, de);

export function useSessionText() {
  return useMessages(messages);
}

export type SessionText = ReturnType<typeof useSessionText>;

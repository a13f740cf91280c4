import { catalogue, useMessages } from "../../i18n/catalogue";
import { de } from "./messages.de";
import { en } from "./messages.en";

const messages = catalogue(en, de);

export function useText() {
  return useMessages(messages);
}

export type Text = ReturnType<typeof useText>;

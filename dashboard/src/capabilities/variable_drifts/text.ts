import { textHook } from "../../i18n/catalogue";
import { de } from "./messages.de";
import { en } from "./messages.en";

export const useText = textHook(en, de);
export type Text = ReturnType<typeof useText>;

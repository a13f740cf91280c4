// The message catalogue. A folder has its messages in `messages.en.ts` and `messages.de.ts`; a message is a text, or a
// function where it has values. The type of the German one is that of the English one, so that the compiler finds a gap.
import { useSyncExternalStore } from "react";

import { loadWords } from "./words";

export type Language = "en" | "de";
export const LANGUAGES: readonly Language[] = ["en", "de"];

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- any function of values is a message
type Message = string | ((...values: any[]) => string);
export type Messages = { readonly [key: string]: Message | Messages };

/** The shape that a translation of `T` has. */
export type Translation<T> = {
  readonly [K in keyof T]: T[K] extends string ? string : T[K] extends Messages ? Translation<T[K]> : T[K];
};

export interface Catalogue<T> {
  en: T;
  de: Translation<T>;
}

export function catalogue<const T extends Messages>(en: T, de: Translation<T>): Catalogue<T> {
  return { en, de };
}

const KEY = "csms.language";
const listeners = new Set<() => void>();

function preferred(): Language {
  const stored = localStorage.getItem(KEY);
  if (stored === "en" || stored === "de") return stored;
  return navigator.language.toLowerCase().startsWith("de") ? "de" : "en";
}

let language: Language = preferred();
document.documentElement.lang = language;

export function currentLanguage(): Language {
  return language;
}

export function setLanguage(next: Language): void {
  localStorage.setItem(KEY, next);
  void loadWords(next).then(() => {
    language = next;
    document.documentElement.lang = next;
    for (const listener of listeners) listener();
  });
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
  };
}

export function useLanguage(): Language {
  return useSyncExternalStore(subscribe, currentLanguage);
}

/** The messages of a catalogue in the language of the person: `t.title`, `t.selected(3)`. */
export function useMessages<T>(messages: Catalogue<T>): Translation<T> {
  return messages[useLanguage()] as Translation<T>;
}

/** The hook that gives a folder its messages in the language of the person. */
export function textHook<const T extends Messages>(en: T, de: Translation<T>): () => Translation<T> {
  const messages = catalogue(en, de);
  return () => useMessages(messages);
}

/** The locale for numbers and dates: that of the browser where it is of the chosen language. */
export function localeOf(chosen: Language): string {
  const found = navigator.languages.find((tag) => tag.toLowerCase().startsWith(chosen));
  return found ?? chosen;
}

/** Chooses between one and many. */
export function plural(count: number, one: string, many: string): string {
  return count === 1 ? one : many;
}

// The words of the contract in the language of the person: its enumerations, fields and methods. English ones are made
// from the names of the contract; another language has a catalogue of its own, which is loaded with that language alone.
// The texts for its comments are in comments/.
import type { Language } from "./catalogue";

export interface Words {
  /** Values of enumerations without their prefix, `ACCEPTED`, whichever enumeration has them. */
  values: Readonly<Record<string, string>>;
  /** Values that mean something else in one enumeration, by its name. */
  valuesOf: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Fields without their unit, `max_power`; whole where that would say something else, `event_days`. */
  fields: Readonly<Record<string, string>>;
  /** Methods: `RequestStartTransaction`. */
  methods: Readonly<Record<string, string>>;
}

let words: Words | undefined;

/** The catalogue of the present language; undefined for English, or where it cannot be loaded. */
export function wordsNow(): Words | undefined {
  return words;
}

/** Loads the catalogue of a language; without it, English words are shown. */
export async function loadWords(language: Language): Promise<void> {
  words =
    language === "de"
      ? await import("./words/de").then(
          ({ de }) => de,
          () => undefined,
        )
      : undefined;
}

// The comments of the contract as help, in the language of the person: loaded once a form needs them.
import { useEffect, useState } from "react";

import { useLanguage, type Language } from "../i18n/catalogue";

/** By the full name of a field, a method, or a value of an enumeration; what has no comment is absent. */
export type Comments = Readonly<Record<string, string>>;

const NONE: Comments = {};
const SOURCES: Readonly<Record<Language, () => Promise<{ default: Comments }>>> = {
  // `npm run stubs` makes this one from the contract.
  en: () => import("../stubs/comments.json"),
  de: () => import("../i18n/comments/de"),
};
const loaded = new Map<Language, Comments>();

/** The comments in a language; none where they cannot be loaded. */
export async function loadComments(language: Language): Promise<Comments> {
  const known = loaded.get(language);
  if (known) return known;
  try {
    const { default: comments } = await SOURCES[language]();
    loaded.set(language, comments);
    return comments;
  } catch {
    return NONE;
  }
}

/** The comments in the language of the person; none until they are loaded. */
export function useComments(): Comments {
  const language = useLanguage();
  const [, setShown] = useState(NONE);
  useEffect(() => {
    let isWanted = true;
    void loadComments(language).then((comments) => {
      if (isWanted) setShown(comments);
    });
    return () => {
      isWanted = false;
    };
  }, [language]);
  return loaded.get(language) ?? NONE;
}

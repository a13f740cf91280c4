// The comments of the contract as help, loaded once a form needs them. `npm run stubs` makes the file.
import { useEffect, useState } from "react";

import { wordsNow } from "../i18n/words";
import type { FormField } from "./model";

export type Comments = Readonly<Record<string, string>>;

let comments: Comments | undefined;
let loading: Promise<Comments> | undefined;

function load(): Promise<Comments> {
  loading ??= import("../stubs/comments.json").then(
    (module) => {
      comments = module.default;
      return comments;
    },
    () => ({}),
  );
  return loading;
}

/** Comments by the full name of a field, a method, a message, or a value of an enumeration. */
export function useComments(): Comments {
  const [known, setKnown] = useState<Comments>(comments ?? {});
  useEffect(() => {
    void load().then(setKnown);
  }, []);
  return known;
}

/** The first sentences of a comment: the errors of a method are for programs. */
export function shortComment(text: string | undefined): string {
  return (text ?? "").split(/\n?Errors?( beside[^:]*)?: /)[0]?.trim() ?? "";
}

/** The help for a field: in the language of the person where its catalogue has some, else the comment of the contract. */
export function helpOf(field: Pick<FormField, "name" | "fullName">, comments: Comments): string {
  const help = wordsNow()?.help;
  return help?.[field.fullName] ?? help?.[field.name] ?? shortComment(comments[field.fullName]);
}

/** The help for a method, likewise. */
export function methodHelp(fullName: string, comments: Comments): string {
  return wordsNow()?.help[fullName] ?? shortComment(comments[fullName]);
}

import { allOf, quoted } from "../../tables/filters";

/** The AIP-160 clause for texts that begin like this: the server has no other comparison of parts. */
export function beginsWith(field: string, text: string): string {
  return allOf(`${field} >= ${quoted(text)}`, `${field} < ${quoted(`${text}\u{10FFFF}`)}`);
}

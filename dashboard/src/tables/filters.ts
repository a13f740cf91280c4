// Filters of lists: choices in the URL, and the AIP-160 text that they make together. Pure.

export interface FilterOption {
  id: string;
  label: string;
}

export interface Filter {
  /** Name of the parameter in the URL. */
  id: string;
  label: string;
  options: readonly FilterOption[];
  /** The AIP-160 clause for a choice. */
  clause: (value: string) => string;
}

/** A text as a quoted value of AIP-160. */
export function quoted(text: string): string {
  return `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}

/** The clause for texts that begin like this. */
export function beginsWith(field: string, text: string): string {
  return allOf(`${field} >= ${quoted(text)}`, `${field} < ${quoted(`${text}\u{10FFFF}`)}`);
}

/** All clauses together; those that are empty are left out. */
export function allOf(...clauses: readonly (string | undefined)[]): string {
  const given = clauses.filter((clause) => clause !== undefined && clause !== "");
  return given.length > 1
    ? given.map((clause) => (/\bOR\b/.test(clause ?? "") ? `(${clause ?? ""})` : clause)).join(" AND ")
    : (given[0] ?? "");
}

/** The clause of the filters that the URL chooses; a value that no option has is ignored. */
export function clauseOf(filters: readonly Filter[], get: (name: string) => string): string {
  return allOf(
    ...filters.map((filter) => {
      const value = get(filter.id);
      return filter.options.some((option) => option.id === value) ? filter.clause(value) : "";
    }),
  );
}

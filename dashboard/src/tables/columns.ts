// Columns of a table: which are shown, and the order of the rows. Pure.
import type { ReactNode } from "react";

export type SortValue = string | number | bigint | boolean | undefined;

export interface Column<Row> {
  id: string;
  label: string;
  /** Null where the row has no such value: a dash in the table, and left out of a card. */
  cell: (row: Row) => ReactNode;
  /** A track of a CSS grid; a share of the width where absent. */
  width?: string;
  /** The value to sort by; a column without it cannot be sorted by. */
  sortBy?: (row: Row) => SortValue;
  /** The field that the server orders by (AIP-132), where the list's method can: then no row but those shown is read. */
  orderBy?: string;
  align?: "start" | "end";
  /** Shown only once it is chosen. */
  optional?: boolean;
  /** The place on the card of a phone: its head, a line of it (the default), or none. */
  card?: "head" | "line" | "none";
}

export interface Sort {
  column: string;
  descending: boolean;
}

const USUAL_WIDTH = "minmax(120px, 1fr)";

/** The tracks of the columns, for a CSS grid. */
export function tracksOf<Row>(columns: readonly Column<Row>[]): string[] {
  return columns.map((column) => column.width ?? USUAL_WIDTH);
}

/** The least width of tracks in pixels: below it a table scrolls sideways. */
export function leastWidth(tracks: readonly string[]): number {
  return tracks.reduce((sum, track) => sum + Number(/(\d+)px/.exec(track)?.[1] ?? 0), 0);
}

/** `power` or `-power`. */
export function readSort(text: string): Sort | undefined {
  if (!text) return undefined;
  return text.startsWith("-") ? { column: text.slice(1), descending: true } : { column: text, descending: false };
}

export function writeSort(sort: Sort | undefined): string {
  return sort ? `${sort.descending ? "-" : ""}${sort.column}` : "";
}

/** Ascending, then descending, then the server's own order. */
export function nextSort(present: Sort | undefined, column: string): Sort | undefined {
  if (present?.column !== column) return { column, descending: false };
  return present.descending ? undefined : { column, descending: true };
}

/** The server's order for a choice, as `order_by` has it; empty for its own order, or where it cannot sort by that. */
export function orderOf<Row>(columns: readonly Column<Row>[], sort: Sort | undefined): string {
  const field = columns.find((column) => column.id === sort?.column)?.orderBy;
  return field === undefined ? "" : field + (sort?.descending ? " desc" : "");
}

/** The columns that the text names, in the order of the table; the usual ones where it names none. */
export function chosenColumns<Row>(columns: readonly Column<Row>[], text: string): readonly Column<Row>[] {
  const names = new Set(text.split(",").filter(Boolean));
  const chosen = columns.filter((column) => (names.size > 0 ? names.has(column.id) : !column.optional));
  return chosen.length > 0 ? chosen : columns.filter((column) => !column.optional);
}

/** The text for a choice of columns; empty where it is the usual one. */
export function writeColumns<Row>(columns: readonly Column<Row>[], chosen: ReadonlySet<string>): string {
  const usual = columns.every((column) => chosen.has(column.id) === !column.optional);
  return usual
    ? ""
    : columns
        .filter((column) => chosen.has(column.id))
        .map((column) => column.id)
        .join(",");
}

const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

function compare(a: SortValue, b: SortValue): number {
  if (typeof a === "string" && typeof b === "string") return collator.compare(a, b);
  if (a === b) return 0;
  return (a ?? 0) < (b ?? 0) ? -1 : 1;
}

/** The rows in the order of a column; those without a value come last, whichever way it goes. */
export function sortRows<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  sort: Sort | undefined,
): readonly Row[] {
  const by = columns.find((column) => column.id === sort?.column)?.sortBy;
  if (!sort || !by) return rows;
  const way = sort.descending ? -1 : 1;
  const keyed = rows.map((row) => [by(row), row] as const);
  keyed.sort(([a], [b]) => {
    if (a === undefined || b === undefined) return a === b ? 0 : a === undefined ? 1 : -1;
    return way * compare(a, b);
  });
  return keyed.map(([, row]) => row);
}

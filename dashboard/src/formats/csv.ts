// Tables as CSV (RFC 4180): what is shown, with units in the header, for spreadsheets and programs. The text is pure.

import { saveBlob } from "./files";

export type CsvValue = string | number | undefined;

export interface CsvColumn<Row> {
  /** With its unit: `Energy (kWh)`. */
  header: string;
  value: (row: Row) => CsvValue;
}

/** A text that a spreadsheet takes for a formula would be run there: an apostrophe keeps it a text. */
function harmless(text: string): string {
  return /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
}

function cell(value: CsvValue): string {
  if (value === undefined) return "";
  if (typeof value === "number") return Number.isFinite(value) ? String(value) : "";
  const text = harmless(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export function csvText<Row>(columns: readonly CsvColumn<Row>[], rows: readonly Row[]): string {
  const lines = [
    columns.map((column) => cell(column.header)),
    ...rows.map((row) => columns.map((column) => cell(column.value(row)))),
  ];
  return lines.map((line) => `${line.join(",")}\r\n`).join("");
}

/** A number with so many digits at most, so that 0.1 + 0.2 is not written with seventeen. */
export function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

/** Gives the person a file. Spreadsheets need the mark at its begin to read it as UTF-8. */
export function saveCsv(name: string, text: string): void {
  saveBlob(new Blob(["\uFEFF", text], { type: "text/csv;charset=utf-8" }), name);
}

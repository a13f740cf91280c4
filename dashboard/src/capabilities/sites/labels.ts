// Labels as rows of a form. Pure.
export interface LabelRow {
  key: string;
  value: string;
}

export type LabelFault = "form" | "twice";

// As the contract has it: small letters, digits, hyphens, underscores and dots, the first of them a letter.
const KEY = /^[a-z][a-z0-9._-]{0,62}$/;

export function toRows(labels: Readonly<Record<string, string>>): LabelRow[] {
  return Object.entries(labels)
    .map(([key, value]) => ({ key, value }))
    .sort((a, b) => (a.key < b.key ? -1 : 1));
}

/** Rows without a key and a value are left out. */
export function fromRows(rows: readonly LabelRow[]): Record<string, string> {
  return Object.fromEntries(rows.filter(isFilled).map(({ key, value }) => [key.trim(), value.trim()]));
}

function isFilled(row: LabelRow): boolean {
  return row.key.trim() !== "" || row.value.trim() !== "";
}

/** The fault of the key in a row, if it has one. */
export function keyFault(rows: readonly LabelRow[], index: number): LabelFault | undefined {
  const row = rows[index];
  if (!row || !isFilled(row)) return undefined;
  const key = row.key.trim();
  if (!KEY.test(key)) return "form";
  return rows.some((other, place) => place !== index && other.key.trim() === key) ? "twice" : undefined;
}

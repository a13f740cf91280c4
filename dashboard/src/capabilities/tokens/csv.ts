// CSV of tokens (RFC 4180) as requests of CreateIdToken. Pure.
import type { JsonObject } from "@bufbuild/protobuf";

const FIELDS: Readonly<Record<string, string>> = {
  id_token: "idToken",
  type: "type",
  status: "status",
  display_name: "displayName",
  group_id_token: "groupIdToken",
  expire_time: "expireTime",
};

export interface TokenLine {
  /** In the file; the header is line 1. */
  line: number;
  token: JsonObject;
  fault?: "noIdToken";
}

export interface TokenFile {
  lines: readonly TokenLine[];
  unknownColumns: readonly string[];
}

/** The records of CSV with their line numbers; quotes may hold separators, line ends and doubled quotes. */
export function readCsv(text: string): { line: number; cells: string[] }[] {
  const records: { line: number; cells: string[] }[] = [];
  let line = 1;
  let begin = 1;
  let cells: string[] = [];
  let cell = "";
  let quoted = false;
  const endRecord = () => {
    cells.push(cell);
    if (cells.some((each) => each.trim() !== "")) records.push({ line: begin, cells });
    cells = [];
    cell = "";
    begin = line;
  };
  const source = text.replace(/^\uFEFF/, "").replace(/\r\n?/g, "\n");
  for (let at = 0; at < source.length; at++) {
    const sign = source.charAt(at);
    if (sign === "\n") line += 1;
    if (quoted) {
      if (sign !== '"') cell += sign;
      else if (source.charAt(at + 1) === '"') {
        cell += '"';
        at += 1;
      } else quoted = false;
    } else if (sign === '"' && cell === "") quoted = true;
    else if (sign === "," || sign === ";") {
      cells.push(cell);
      cell = "";
    } else if (sign === "\n") endRecord();
    else cell += sign;
  }
  endRecord();
  return records;
}

export function readTokens(text: string): TokenFile {
  const [header, ...records] = readCsv(text);
  const names = (header?.cells ?? []).map((cell) => cell.trim().toLowerCase());
  const lines = records.map(({ line, cells }): TokenLine => {
    const token: JsonObject = {};
    for (const [index, name] of names.entries()) {
      const value = cells[index]?.trim();
      const field = FIELDS[name];
      if (value && field) token[field] = value;
    }
    return token.idToken ? { line, token } : { line, token, fault: "noIdToken" };
  });
  return { lines, unknownColumns: names.filter((name) => name !== "" && !(name in FIELDS)) };
}

import { describe, expect, it } from "vitest";

import { readTokens } from "./csv";

describe("a CSV file of tokens", () => {
  it("gives a token for each line, by the names of the header", () => {
    const { lines } = readTokens("display_name,id_token\nAda,04AB\nEve,04CD\n");
    expect(lines).toEqual([
      { line: 2, token: { displayName: "Ada", idToken: "04AB" } },
      { line: 3, token: { displayName: "Eve", idToken: "04CD" } },
    ]);
  });

  it("takes semicolons, quotes with separators and line ends in them, and a byte order mark", () => {
    const { lines } = readTokens('\uFEFFid_token;display_name\r\n04AB;"Lovelace; ""Ada""\nof London"\r\n04CD;Eve\r\n');
    expect(lines.map(({ line, token }) => [line, token.displayName])).toEqual([
      [2, 'Lovelace; "Ada"\nof London'],
      [4, "Eve"],
    ]);
  });

  it("names columns that are not known and lines without a token", () => {
    const file = readTokens("id_token,colour\n,red\n");
    expect(file.unknownColumns).toEqual(["colour"]);
    expect(file.lines[0]?.fault).toBe("noIdToken");
  });
});

import { describe, expect, it } from "vitest";

import { csvText, rounded } from "./csv";

const columns = [
  { header: "Token", value: (row: { token?: string; wh: number }) => row.token },
  { header: "Energy (kWh)", value: (row: { wh: number }) => rounded(row.wh / 1000, 3) },
];

describe("csvText", () => {
  it("writes a header with units and a line for each row", () => {
    expect(csvText(columns, [{ token: "A1", wh: 1234.6 }])).toBe("Token,Energy (kWh)\r\nA1,1.235\r\n");
  });

  it("puts quotes around a comma, a quote and a line break", () => {
    expect(csvText(columns, [{ token: 'a,"b"\n', wh: 0 }])).toContain('"a,""b""\n",0');
  });

  it("leaves no formula for a spreadsheet, and a negative number a number", () => {
    expect(csvText(columns, [{ token: "=HYPERLINK(1)", wh: -1000 }])).toContain("'=HYPERLINK(1),-1\r\n");
  });

  it("leaves what is absent empty", () => {
    expect(csvText(columns, [{ wh: 0 }])).toContain("\r\n,0\r\n");
  });
});

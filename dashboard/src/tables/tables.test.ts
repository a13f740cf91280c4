import { describe, expect, it } from "vitest";

import type { LiveEvent } from "../live/events";
import { chosenColumns, nextSort, orderOf, readSort, sortRows, writeColumns, writeSort, type Column } from "./columns";
import { allOf, beginsWith, clauseOf, quoted, type Filter } from "./filters";
import { applyEvents, removeRows, type ApplyEvent } from "./live_rows";

interface Row {
  id: string;
  power?: number;
}

const COLUMNS: Column<Row>[] = [
  { id: "id", label: "ID", cell: (row) => row.id, sortBy: (row) => row.id },
  { id: "power", label: "Power", cell: (row) => row.power, sortBy: (row) => row.power },
  { id: "serial", label: "Serial", cell: () => "", optional: true },
];

describe("columns in the URL", () => {
  it("are the usual ones where it names none", () => {
    expect(chosenColumns(COLUMNS, "").map((column) => column.id)).toEqual(["id", "power"]);
    expect(writeColumns(COLUMNS, new Set(["id", "power"]))).toBe("");
  });

  it("keep the order of the table, and ignore names that are not there", () => {
    expect(chosenColumns(COLUMNS, "serial,nonsense,id").map((column) => column.id)).toEqual(["id", "serial"]);
    expect(writeColumns(COLUMNS, new Set(["serial", "id"]))).toBe("id,serial");
  });
});

describe("sorting", () => {
  it("goes up, down and back to the server's order", () => {
    const up = nextSort(undefined, "power");
    const down = nextSort(up, "power");
    expect([writeSort(up), writeSort(down), writeSort(nextSort(down, "power"))]).toEqual(["power", "-power", ""]);
    expect(readSort("-power")).toEqual({ column: "power", descending: true });
  });

  it("puts numbers in names in their order, and absent values last both ways", () => {
    const rows: Row[] = [{ id: "CP10", power: 1 }, { id: "CP9" }, { id: "CP2", power: 7 }];
    expect(sortRows(rows, COLUMNS, readSort("id")).map((row) => row.id)).toEqual(["CP2", "CP9", "CP10"]);
    expect(sortRows(rows, COLUMNS, readSort("power")).map((row) => row.power)).toEqual([1, 7, undefined]);
    expect(sortRows(rows, COLUMNS, readSort("-power")).map((row) => row.power)).toEqual([7, 1, undefined]);
  });
});

describe("filters", () => {
  const filters: Filter[] = [
    { id: "online", label: "", options: [{ id: "yes", label: "" }], clause: () => "connected = true" },
    {
      id: "model",
      label: "",
      options: [{ id: "a", label: "" }],
      clause: (value) => `model = ${quoted(value)} OR model = "b"`,
    },
  ];

  it("join the chosen clauses, an OR in parentheses", () => {
    const url = new Map([
      ["online", "yes"],
      ["model", "a"],
    ]);
    expect(clauseOf(filters, (name) => url.get(name) ?? "")).toBe('connected = true AND (model = "a" OR model = "b")');
  });

  it("ignore a value that no option has: the URL is not trusted", () => {
    expect(clauseOf(filters, () => 'x" OR true')).toBe("");
  });

  it("quote texts, and leave out empty clauses", () => {
    expect(quoted('a"b\\c')).toBe('"a\\"b\\\\c"');
    expect(allOf("", "a = 1", undefined)).toBe("a = 1");
  });
});

describe("live rows", () => {
  const event = (id: string, type: string): { key: string; event: LiveEvent } => ({
    key: id,
    event: { id: type + id, cursor: "1", type, source: "", stationId: id, timeMs: 0, data: {}, actor: "" },
  });
  const apply: ApplyEvent<Row> = (row, { type }) => {
    if (type === "unclear") return "reload";
    return row && { ...row, power: (row.power ?? 0) + 1 };
  };
  const keyOf = (row: Row) => row.id;
  const data = { pages: [{ rows: [{ id: "a" }, { id: "b" }] }, { rows: [{ id: "c" }] }], pageParams: [] };

  it("change the rows that events concern, one after another, and no other page", () => {
    const applied = applyEvents(data, "rows", keyOf, [event("a", "up"), event("a", "up")], apply);
    expect(applied.data.pages[0]?.rows).toEqual([{ id: "a", power: 2 }, { id: "b" }]);
    expect(applied.data.pages[1]).toBe(data.pages[1]);
  });

  it("stay the same object where no row is concerned", () => {
    expect(applyEvents(data, "rows", keyOf, [event("z", "up")], apply).data).toBe(data);
  });

  it("say which rows are to be read anew, those that are not loaded too", () => {
    expect([...applyEvents(data, "rows", keyOf, [event("b", "unclear"), event("z", "unclear")], apply).reload]).toEqual(
      ["b", "z"],
    );
  });

  it("leave a list at once, and its other pages as they are", () => {
    const left = removeRows(data, "rows", (row) => keyOf(row as Row) === "b");
    expect(left.pages[0]?.rows).toEqual([{ id: "a" }]);
    expect(left.pages[1]).toBe(data.pages[1]);
    expect(removeRows(data, "rows", (row) => keyOf(row as Row) === "z")).toBe(data);
  });
});

describe("the server's order", () => {
  const columns: Column<Row>[] = [...COLUMNS, { id: "seen", label: "Seen", cell: () => "", orderBy: "last_seen_time" }];

  it("is that of the chosen column, where the server can order by it", () => {
    expect(orderOf(columns, readSort("seen"))).toBe("last_seen_time");
    expect(orderOf(columns, readSort("-seen"))).toBe("last_seen_time desc");
    expect(orderOf(columns, readSort("power"))).toBe("");
    expect(orderOf(columns, readSort("-gone"))).toBe("");
    expect(orderOf(columns, undefined)).toBe("");
  });
});

it("a clause for texts that begin like one ends before all that do not", () => {
  expect(beginsWith("station_id", 'CP"1')).toBe('station_id >= "CP\\"1" AND station_id < "CP\\"1\u{10FFFF}"');
});

// Columns that most lists of resources have.
import type { DescEnum } from "@bufbuild/protobuf";
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import type { ReactNode } from "react";

import { Time } from "../formats";
import { enumLabel, ocppWord } from "../forms";
import { quoted, type Column, type Filter } from "../tables";
import { Badge, Link, type Tone } from "../ui";
import { stationHref } from "./hrefs";

type Options<Row> = Partial<Omit<Column<Row>, "id" | "label">>;

export function textColumn<Row>(
  id: string,
  label: string,
  get: (row: Row) => string | undefined,
  options: Options<Row> = {},
): Column<Row> {
  return { id, label, sortBy: (row) => get(row) || undefined, cell: (row) => get(row) || "–", ...options };
}

export function timeColumn<Row>(
  id: string,
  label: string,
  get: (row: Row) => Timestamp | undefined,
  options: Options<Row> = {},
): Column<Row> {
  return {
    id,
    label,
    width: "150px",
    sortBy: (row) => get(row)?.seconds,
    cell: (row) => <Time value={get(row)} />,
    ...options,
  };
}

export function numberColumn<Row>(
  id: string,
  label: string,
  get: (row: Row) => number | bigint,
  show: (value: number | bigint) => ReactNode,
  options: Options<Row> = {},
): Column<Row> {
  return { id, label, align: "end", width: "110px", sortBy: get, cell: (row) => show(get(row)), ...options };
}

/** A value of an enumeration as a word in a frame, in the words of the contract. */
export function enumColumn<Row>(
  id: string,
  label: string,
  desc: DescEnum,
  get: (row: Row) => number,
  tones: Readonly<Record<number, Tone>> = {},
  options: Options<Row> = {},
): Column<Row> {
  const word = (row: Row) => {
    const value = desc.value[get(row)];
    return value ? enumLabel(desc, value.name) : String(get(row));
  };
  return {
    id,
    label,
    width: "150px",
    sortBy: word,
    cell: (row) => {
      const value = desc.value[get(row)];
      if (get(row) === 0) return "–";
      return (
        <Badge tone={tones[get(row)] ?? "neutral"} title={value ? ocppWord(desc, value) : ""}>
          {word(row)}
        </Badge>
      );
    },
    ...options,
  };
}

/** The station that a row belongs to, with a link to a tab of its page. */
export function stationColumn<Row>(label: string, tab: string, get: (row: Row) => string): Column<Row> {
  return {
    id: "station",
    label,
    width: "minmax(140px, 1.2fr)",
    card: "head",
    cell: (row) => <Link href={stationHref(get(row), tab)}>{get(row)}</Link>,
  };
}

/** A filter by the values of an enumeration, in the words of the contract. */
export function enumFilter(id: string, label: string, desc: DescEnum, field = id): Filter {
  const known = desc.values.filter((value) => value.number !== 0);
  return {
    id,
    label,
    options: known.map((value) => ({ id: value.name, label: enumLabel(desc, value.name) })),
    clause: (value) => `${field} = ${quoted(value)}`,
  };
}

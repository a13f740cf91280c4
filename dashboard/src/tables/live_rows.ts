// Rows of loaded pages, changed by events. Pure.
import type { LiveEvent } from "../live/events";

export interface Pages<Page> {
  pages: Page[];
  pageParams: unknown[];
}

/**
 * The effect of an event on a row: the changed row, `reload` where the event does not say enough, or undefined where
 * it does not concern it. `row` is undefined where no loaded row has the event's key.
 */
export type ApplyEvent<Row> = (row: Row | undefined, event: LiveEvent) => Row | "reload" | undefined;

export interface Applied<Page> {
  /** The same object where nothing changed. */
  data: Pages<Page>;
  /** Keys of the rows that have to be read anew. */
  reload: ReadonlySet<string>;
  /** Keys of the rows that an event changed. */
  changed: ReadonlySet<string>;
}

/** Replaces rows of pages; pages without such a row stay the same objects. */
export function replaceRows<Page extends object, Row>(
  data: Pages<Page>,
  field: keyof Page,
  keyOf: (row: Row) => string,
  changed: ReadonlyMap<string, Row>,
): Pages<Page> {
  if (changed.size === 0) return data;
  const pages = data.pages.map((page) => {
    const rows = page[field] as Row[];
    if (!rows.some((row) => changed.has(keyOf(row)))) return page;
    return { ...page, [field]: rows.map((row) => changed.get(keyOf(row)) ?? row) };
  });
  return pages.some((page, index) => page !== data.pages[index]) ? { ...data, pages } : data;
}

/** Removes rows of pages; pages without such a row stay the same objects. */
export function removeRows<Page extends object>(
  data: Pages<Page>,
  field: keyof Page,
  isGone: (row: unknown) => boolean,
): Pages<Page> {
  const pages = data.pages.map((page) => {
    const rows = page[field] as unknown[];
    return rows.some(isGone) ? { ...page, [field]: rows.filter((row) => !isGone(row)) } : page;
  });
  return pages.some((page, index) => page !== data.pages[index]) ? { ...data, pages } : data;
}

export function applyEvents<Page extends object, Row>(
  data: Pages<Page>,
  field: keyof Page,
  keyOf: (row: Row) => string,
  events: readonly { key: string; event: LiveEvent }[],
  apply: ApplyEvent<Row>,
): Applied<Page> {
  const rows = new Map<string, Row>();
  const wanted = new Set(events.map(({ key }) => key));
  for (const page of data.pages) {
    for (const row of page[field] as Row[]) if (wanted.has(keyOf(row))) rows.set(keyOf(row), row);
  }
  const changed = new Map<string, Row>();
  const reload = new Set<string>();
  for (const { key, event } of events) {
    const result = apply(changed.get(key) ?? rows.get(key), event);
    if (result === "reload") reload.add(key);
    else if (result !== undefined) changed.set(key, result);
  }
  return { data: replaceRows(data, field, keyOf, changed), reload, changed: new Set(changed.keys()) };
}

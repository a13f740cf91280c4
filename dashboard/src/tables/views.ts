// Views that a person saved: a name for the search of a list's address. They are this browser's own.
import { useSyncExternalStore } from "react";

export interface SavedView {
  name: string;
  /** The parameters of the list, as in the URL. */
  search: string;
}

const PREFIX = "csms.views.";
const listeners = new Set<() => void>();
const parsed = new Map<string, { text: string | null; views: readonly SavedView[] }>();

function isView(value: unknown): value is SavedView {
  return typeof value === "object" && value !== null && "name" in value && "search" in value;
}

/** Reads saved views; what is none of ours is left out. */
export function parseViews(text: string | null): readonly SavedView[] {
  try {
    const value = JSON.parse(text ?? "[]") as unknown;
    return Array.isArray(value) ? value.filter(isView) : [];
  } catch {
    return [];
  }
}

function read(list: string): readonly SavedView[] {
  const text = localStorage.getItem(PREFIX + list);
  const known = parsed.get(list);
  if (known && known.text === text) return known.views;
  const views = parseViews(text);
  parsed.set(list, { text, views });
  return views;
}

function write(list: string, views: readonly SavedView[]): void {
  localStorage.setItem(PREFIX + list, JSON.stringify(views));
  for (const listener of listeners) listener();
}

export function saveView(list: string, view: SavedView): void {
  write(list, [...read(list).filter((one) => one.name !== view.name), view]);
}

export function deleteView(list: string, name: string): void {
  write(
    list,
    read(list).filter((one) => one.name !== name),
  );
}

export function useViews(list: string): readonly SavedView[] {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => read(list),
  );
}

// The entry of the rail that a page belongs to. Pure.
import type { NavigationItem } from "./capability";

type Place = Pick<NavigationItem, "path" | "covers">;

/** The entry of the page at a path; undefined where it has none. */
export function currentItem<T extends Place>(items: readonly T[], location: string): T | undefined {
  return (
    items.find(({ covers }) => covers?.some((pattern) => pattern.test(location))) ??
    items.find(({ path }) => (path === "/" ? location === "/" : location === path || location.startsWith(`${path}/`)))
  );
}

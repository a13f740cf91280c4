// The state of a page in the URL, so that a link shows a colleague the same.
import { useCallback, useMemo } from "react";
import { useLocation, useSearch } from "wouter";

/** Parameters that belong to the frame and stay when one goes to another page. */
export const FRAME_PARAMETERS: readonly string[] = ["scope"];

/** The search with some parameters changed; an empty or absent value removes one. */
export function changedSearch(search: string, changes: Readonly<Record<string, string | undefined>>): string {
  const parameters = new URLSearchParams(search);
  for (const [name, value] of Object.entries(changes)) {
    if (value) parameters.set(name, value);
    else parameters.delete(name);
  }
  return parameters.toString();
}

/** The address of another page, with the frame's parameters of this one. */
export function withFrame(href: string, search: string): string {
  const present = new URLSearchParams(search);
  const kept = FRAME_PARAMETERS.filter((name) => present.has(name));
  if (kept.length === 0) return href;
  const [path = "", own = ""] = href.split("?");
  const parameters = new URLSearchParams(own);
  for (const name of kept) if (!parameters.has(name)) parameters.set(name, present.get(name) ?? "");
  return `${path}?${parameters.toString()}`;
}

export interface UrlState {
  get: (name: string) => string;
  /** Changes parameters in place; `push` makes an entry in the history of the browser. */
  set: (changes: Readonly<Record<string, string | undefined>>, push?: boolean) => void;
}

export function useUrlState(): UrlState {
  const search = useSearch();
  const [path, navigate] = useLocation();
  const parameters = useMemo(() => new URLSearchParams(search), [search]);
  const set = useCallback<UrlState["set"]>(
    (changes, push = false) => {
      // The search of this moment, not of the last render: two changes in a row must both count.
      const next = changedSearch(globalThis.location.search, changes);
      navigate(next ? `${path}?${next}` : path, { replace: !push });
    },
    [navigate, path],
  );
  return useMemo(() => ({ get: (name) => parameters.get(name) ?? "", set }), [parameters, set]);
}

/** One parameter: its value, or `initial` where the URL has none. */
export function useUrlParameter(name: string, initial = ""): [string, (value: string) => void] {
  const state = useUrlState();
  const value = state.get(name) || initial;
  const { set } = state;
  const change = useCallback(
    (next: string) => {
      set({ [name]: next === initial ? undefined : next });
    },
    [set, name, initial],
  );
  return [value, change];
}

/** Goes to another page, keeping the frame's parameters. */
export function useGo(): (href: string) => void {
  const [, navigate] = useLocation();
  return useCallback(
    (href) => {
      navigate(withFrame(href, globalThis.location.search));
    },
    [navigate],
  );
}

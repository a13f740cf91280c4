// Light or dark: as the device has it, unless the person chose.
import { useSyncExternalStore } from "react";

export type Theme = "auto" | "light" | "dark";
const KEY = "csms.theme";
const listeners = new Set<() => void>();

function read(): Theme {
  const stored = localStorage.getItem(KEY);
  return stored === "light" || stored === "dark" ? stored : "auto";
}

let theme = read();

function apply(): void {
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

apply();

export function setTheme(next: Theme): void {
  theme = next;
  localStorage.setItem(KEY, next);
  apply();
  for (const listener of listeners) listener();
}

export function useTheme(): Theme {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => theme,
  );
}

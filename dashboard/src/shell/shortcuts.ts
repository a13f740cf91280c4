// Keys that work everywhere: / searches, Ctrl K opens the palette, g and a letter go to a page, ? lists them.
import { useEffect, useEffectEvent } from "react";

import type { NavigationItem } from "./capability";

const SEQUENCE_MS = 1_200;

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
  );
}

export function useShortcuts(actions: {
  items: readonly NavigationItem[];
  onPalette: () => void;
  onHelp: () => void;
  go: (href: string) => void;
}): void {
  const handle = useEffectEvent((event: KeyboardEvent, afterG: boolean): boolean => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
      event.preventDefault();
      actions.onPalette();
      return false;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return false;
    if (document.querySelector("[role=dialog], [role=alertdialog]")) return false;
    if (afterG) {
      const item = actions.items.find((one) => one.shortcut === event.key);
      if (item) actions.go(item.path);
      return false;
    }
    if (event.key === "/") {
      const field = document.querySelector<HTMLElement>("[data-search-field]");
      if (field) field.focus();
      else actions.onPalette();
      event.preventDefault();
    } else if (event.key === "?") {
      actions.onHelp();
    }
    return event.key === "g";
  });
  useEffect(() => {
    let gMs = -Infinity;
    const onKey = (event: KeyboardEvent) => {
      const isG = handle(event, Date.now() - gMs < SEQUENCE_MS);
      gMs = isG ? Date.now() : -Infinity;
    };
    globalThis.addEventListener("keydown", onKey);
    return () => {
      globalThis.removeEventListener("keydown", onKey);
    };
  }, []);
}

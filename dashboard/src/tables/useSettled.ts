import { useEffect, useState } from "react";

const SETTLE_MS = 250;

/** A text that is typed, once nothing was typed for a moment; an emptied one at once. */
export function useSettled(text: string): string {
  const [settled, setSettled] = useState(text);
  useEffect(() => {
    if (text === settled) return;
    const timer = setTimeout(
      () => {
        setSettled(text);
      },
      text ? SETTLE_MS : 0,
    );
    return () => {
      clearTimeout(timer);
    };
  }, [text, settled]);
  return settled;
}

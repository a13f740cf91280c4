import { useSyncExternalStore } from "react";

import { localeOf, useLanguage } from "../i18n/catalogue";
import { sharedFormats, toMs, type Formats, type Instant } from "./formats";

/** Formats in the person's language and zone. */
export function useFormats(): Formats {
  return sharedFormats(localeOf(useLanguage()));
}

const TICK_MS = 10_000;
let nowMs = Date.now();
let timer: ReturnType<typeof setInterval> | undefined;
const listeners = new Set<() => void>();

function tick(): void {
  nowMs = Date.now();
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  if (timer === undefined) {
    nowMs = Date.now();
    timer = setInterval(tick, TICK_MS);
  }
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) {
      clearInterval(timer);
      timer = undefined;
    }
  };
}

/** The present time, renewed every ten seconds for all that show it. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, () => nowMs);
}

/**
 * A time: relative, with the absolute one on hover. `zone` is that of the station (IANA name), which is shown beside
 * the viewer's own.
 */
export function Time(props: { value: Instant | undefined; zone?: string; absolute?: boolean; none?: string }) {
  const formats = useFormats();
  const now = useNow();
  if (props.value === undefined) return <>{props.none ?? "–"}</>;
  const ms = toMs(props.value);
  const own = formats.dateTime(ms);
  const title = props.zone ? `${own}\n${formats.dateTime(ms, props.zone)}` : own;
  return (
    <time dateTime={new Date(ms).toISOString()} title={title}>
      {props.absolute ? own : formats.relative(ms, now)}
    </time>
  );
}

/** The time since an instant, as a duration: for something that goes on. */
export function Since(props: { value: Instant }) {
  const formats = useFormats();
  const seconds = (useNow() - toMs(props.value)) / 1000;
  return <time title={formats.dateTime(props.value)}>{formats.duration(seconds)}</time>;
}

// Contents of a page without data: skeleton, empty, error; and short messages after an action.
import { useEffect, useState, useSyncExternalStore, type ReactNode } from "react";
import { Code } from "@connectrpc/connect";

import { readError, type CallError } from "../api/errors";
import { Button, IconButton } from "./Button";
import { cx } from "./cx";
import styles from "./feedback.module.css";
import { Icon, type IconName } from "./Icon";
import { useUiText } from "./text";

/** Nothing for 200 ms, then the children: no flicker where the answer comes at once. */
export function AfterAMoment(props: { children: ReactNode }) {
  const [shown, setShown] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => {
      setShown(true);
    }, 200);
    return () => {
      clearTimeout(timer);
    };
  }, []);
  return shown ? props.children : null;
}

/** Grey lines in the shape of what comes. */
export function Skeleton(props: { lines?: number; kind?: "lines" | "rows" | "cards" }) {
  const t = useUiText();
  const kind = props.kind ?? "lines";
  return (
    <AfterAMoment>
      <div role="status" className={cx(styles.skeleton, styles[kind])}>
        <span className="visually-hidden">{t.loading}</span>
        {Array.from({ length: props.lines ?? 6 }, (_, index) => (
          <div key={index} className={styles.bone} />
        ))}
      </div>
    </AfterAMoment>
  );
}

/** Says that nothing is here yet, with the one action that fills it. */
export function EmptyState(props: { title: string; children?: ReactNode; action?: ReactNode; icon?: IconName }) {
  return (
    <div className={styles.empty}>
      <span className={styles.emptyIcon}>
        <Icon name={props.icon ?? "info"} size={24} />
      </span>
      <p className={styles.emptyTitle}>{props.title}</p>
      {props.children && <div className={styles.emptyText}>{props.children}</div>}
      {props.action}
    </div>
  );
}

/** The sentence for a failed call. */
export function useErrorText(): (error: CallError) => string {
  const t = useUiText();
  return (error) => {
    if (error.code === Code.DeadlineExceeded && !error.reason) return t.tookTooLong;
    if (!error.reason && (error.code === Code.Unavailable || error.code === Code.Unknown)) return t.unreachable;
    if (error.code === Code.PermissionDenied && !error.message) return t.forbidden;
    const wait = error.retryAfterS === undefined ? "" : ` ${t.retryIn(error.retryAfterS)}`;
    return `${error.message || t.errorTitle}${wait}`;
  };
}

/** The failure, its remedy, and the number of the request. */
export function ErrorState(props: { error: unknown; title?: string; onRetry?: () => void; inline?: boolean }) {
  const t = useUiText();
  const text = useErrorText();
  const error = readError(props.error);
  return (
    <div role="alert" className={cx(styles.error, props.inline && styles.inline)}>
      <Icon name="alert" />
      <div className={styles.errorBody}>
        <p className={styles.errorTitle}>{props.title ?? t.errorTitle}</p>
        <p>{text(error)}</p>
        {(error.reason || error.requestId) && (
          <p className={styles.errorFacts}>
            {[error.reason, error.requestId && t.requestId(error.requestId)].filter(Boolean).join(" · ")}
          </p>
        )}
      </div>
      {props.onRetry && (
        <Button small icon="refresh" onPress={props.onRetry}>
          {t.tryAgain}
        </Button>
      )}
    </div>
  );
}

interface ToastEntry {
  id: number;
  text: string;
  tone: "good" | "bad" | "neutral";
}

let toasts: readonly ToastEntry[] = [];
let lastId = 0;
const listeners = new Set<() => void>();

function setToasts(next: readonly ToastEntry[]): void {
  toasts = next;
  for (const listener of listeners) listener();
}

/** Shows a short message at the edge of the page for some seconds. */
export function toast(text: string, tone: ToastEntry["tone"] = "good"): void {
  lastId += 1;
  const id = lastId;
  setToasts([...toasts.slice(-3), { id, text, tone }]);
  setTimeout(
    () => {
      dismiss(id);
    },
    tone === "bad" ? 12_000 : 6_000,
  );
}

function dismiss(id: number): void {
  setToasts(toasts.filter((entry) => entry.id !== id));
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
  };
}

export function Toasts() {
  const t = useUiText();
  const entries = useSyncExternalStore(subscribe, () => toasts);
  return (
    <div role="status" aria-label={t.notifications} className={styles.toasts}>
      {entries.map((entry) => (
        <div key={entry.id} className={cx(styles.toast, styles[entry.tone])}>
          <Icon name={entry.tone === "bad" ? "alert" : entry.tone === "good" ? "check" : "info"} size={16} />
          <span className={styles.toastText}>{entry.text}</span>
          <IconButton
            label={t.close}
            icon="close"
            onPress={() => {
              dismiss(entry.id);
            }}
          />
        </div>
      ))}
    </div>
  );
}

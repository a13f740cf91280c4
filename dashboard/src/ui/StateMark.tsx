// Marks of states: shape and word, never colour alone.
import type { ReactNode } from "react";

import { cx } from "./cx";
import styles from "./StateMark.module.css";
import { useUiText } from "./text";

export type State =
  "available" | "charging" | "occupied" | "reserved" | "faulted" | "unavailable" | "offline" | "unknown";

const CLASSES: Record<State, string | undefined> = {
  available: styles.available,
  charging: styles.charging,
  occupied: styles.occupied,
  reserved: styles.reserved,
  faulted: styles.faulted,
  unavailable: styles.unavailable,
  offline: styles.offline,
  unknown: styles.unavailable,
};

/** The shape of a state, in a box of twelve by twelve: for marks within SVG. */
export function StateShape(props: { state: State }) {
  switch (props.state) {
    case "available":
      return <circle cx="6" cy="6" r="3.75" fill="none" stroke="currentColor" strokeWidth="2" />;
    case "charging":
      return <path d="M7 .5 2 7h3l-.5 4.5L9.8 5H6.500z" fill="currentColor" />;
    case "occupied":
      return <circle cx="6" cy="6" r="4.75" fill="currentColor" />;
    case "reserved":
      return <path d="M6 .8 11.2 6 6 11.2.8 6z" fill="currentColor" />;
    case "faulted":
      return <path d="M6 1 11.5 11H.5z" fill="currentColor" />;
    case "unavailable":
      return <path d="M1.5 6h9" stroke="currentColor" strokeWidth="2.5" />;
    case "offline":
      return <path d="M2.5 2.500l7 7M9.5 2.500l-7 7" stroke="currentColor" strokeWidth="2" />;
    case "unknown":
      return <circle cx="6" cy="6" r="1.75" fill="currentColor" />;
  }
}

/** The mark of a state with its word; `small` leaves the word to screen readers and the hint. */
export function StateMark(props: { state: State; children?: ReactNode; small?: boolean; title?: string }) {
  const word = useUiText().states[props.state];
  const text = props.children ?? word;
  return (
    <span
      className={cx(styles.mark, CLASSES[props.state], props.small && styles.small)}
      title={props.title ?? (props.small ? word : undefined)}
    >
      <svg aria-hidden="true" width="12" height="12" viewBox="0 0 12 12">
        <StateShape state={props.state} />
      </svg>
      <span className={props.small ? "visually-hidden" : undefined}>{text}</span>
    </span>
  );
}

/** A mark of several connectors beside each other, each with its own number. */
export function ConnectorMark(props: { state: State; label: string; children: ReactNode }) {
  return (
    <span className={cx(styles.connector, CLASSES[props.state])} title={props.label}>
      <svg aria-hidden="true" width="10" height="10" viewBox="0 0 12 12">
        <StateShape state={props.state} />
      </svg>
      <span aria-hidden="true">{props.children}</span>
      <span className="visually-hidden">{props.label}</span>
    </span>
  );
}

export type Tone = "neutral" | "accent" | "good" | "warning" | "bad";

/** A short word in a frame: a version, a count, a condition. */
export function Badge(props: { children: ReactNode; tone?: Tone; title?: string }) {
  return (
    <span className={cx(styles.badge, styles[props.tone ?? "neutral"])} title={props.title}>
      {props.children}
    </span>
  );
}

// A connector as a picture: the socket, and the cable where a car is plugged in.
import { cx, type State } from "../../ui";
import styles from "./Socket.module.css";

const CLASSES: Record<State, string | undefined> = {
  available: styles.available,
  charging: styles.charging,
  occupied: styles.occupied,
  reserved: styles.reserved,
  faulted: styles.faulted,
  unavailable: styles.unavailable,
  offline: styles.unavailable,
  unknown: styles.unavailable,
};

/** The word beside it says the state: the picture has no name of its own. */
export function Socket(props: { state: State }) {
  const { state } = props;
  const isPlugged = state === "charging" || state === "occupied";
  return (
    <svg aria-hidden="true" className={cx(styles.socket, CLASSES[state])} width="48" height="56" viewBox="0 0 48 56">
      <path
        className={styles.body}
        strokeDasharray={state === "offline" ? "3 3" : undefined}
        d="M14 6h20a8 8 0 0 1 8 8v8a18 18 0 0 1-36 0v-8a8 8 0 0 1 8-8z"
      />
      {[
        [17, 14],
        [24, 14],
        [31, 14],
        [15, 22],
        [33, 22],
        [20, 30],
        [28, 30],
      ].map(([x, y]) => (
        <circle key={`${String(x)} ${String(y)}`} className={styles.pin} cx={x} cy={y} r="2.2" />
      ))}
      {isPlugged && (
        <path className={cx(styles.cable, state === "charging" && styles.flow)} d="M24 40v8a6 6 0 0 0 12 0v-3" />
      )}
    </svg>
  );
}

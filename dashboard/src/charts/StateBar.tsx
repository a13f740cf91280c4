// One stacked bar of states, each with its mark, word and number below: the numbers are its table.
import { useFormats } from "../formats/Time";
import { Link, StateMark, type State } from "../ui";
import styles from "./StateBar.module.css";

export interface StateCount {
  state: State;
  count: number;
  /** Where the things of this state are listed. */
  href?: string;
}

export function StateBar(props: { label: string; counts: readonly StateCount[] }) {
  const formats = useFormats();
  const shown = props.counts.filter(({ count }) => count > 0);
  return (
    <div>
      <div className={styles.bar} aria-hidden="true">
        {shown.map(({ state, count }) => (
          <span key={state} className={styles[state]} style={{ flexGrow: count }} />
        ))}
      </div>
      <ul className={styles.legend} aria-label={props.label}>
        {shown.map(({ state, count, href }) => (
          <li key={state} className={styles.entry}>
            <StateMark state={state} />
            {href ? (
              <Link href={href} className={styles.count}>
                {formats.number(count)}
              </Link>
            ) : (
              <span className={styles.count}>{formats.number(count)}</span>
            )}
          </li>
        ))}
      </ul>
    </div>
  );
}

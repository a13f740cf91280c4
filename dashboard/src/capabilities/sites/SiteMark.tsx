// One mark of the map: a ring of the stations by state, their number, and the shape of the worst state.
import { cx, StateShape } from "../../ui";
import styles from "./map.module.css";
import { totalOf, worstOf, WORST_FIRST, type Counts } from "./stations_by_site";

const STROKE = 5;

export function radiusOf(total: number): number {
  return Math.min(30, 13 + Math.sqrt(total));
}

/** The ring goes clockwise from the top, the worst state first. */
function Ring(props: { counts: Counts; radius: number }) {
  const { counts, radius } = props;
  const total = totalOf(counts);
  const around = 2 * Math.PI * radius;
  if (total === 0) return <circle r={radius} className={styles.ringEmpty} strokeWidth={STROKE} />;
  const present = WORST_FIRST.filter((state) => (counts.get(state) ?? 0) > 0);
  const shares = present.map((state) => ((counts.get(state) ?? 0) / total) * around);
  return present.map((state, index) => {
    const share = shares[index] ?? 0;
    const before = shares.slice(0, index).reduce((length, one) => length + one, 0);
    return (
      <circle
        key={state}
        r={radius}
        className={cx(styles.ring, styles[state])}
        strokeWidth={STROKE}
        strokeDasharray={`${String(share)} ${String(around - share)}`}
        strokeDashoffset={-before}
        transform="rotate(-90)"
      />
    );
  });
}

/** The mark of a site, or of some sites near each other: never by colour alone, the worst state has its shape. */
export function SiteMark(props: { counts: Counts; isChosen: boolean; sites: number }) {
  const { counts, isChosen, sites } = props;
  const total = totalOf(counts);
  const radius = radiusOf(total);
  const worst = worstOf(counts);
  return (
    <>
      {isChosen && <circle r={radius + 6} className={styles.chosen} />}
      {sites > 1 && <circle r={radius + 4} className={styles.many} />}
      <circle r={radius} className={styles.disc} />
      <Ring counts={counts} radius={radius} />
      <text className={styles.number} textAnchor="middle" dy="0.35em">
        {total}
      </text>
      {worst && (
        <g
          className={cx(styles.badge, styles[worst])}
          transform={`translate(${String(radius * 0.72)} ${String(-radius * 0.72)})`}
        >
          <circle r={9} className={styles.badgeDisc} />
          <g transform="translate(-6 -6)">
            <StateShape state={worst} />
          </g>
        </g>
      )}
    </>
  );
}

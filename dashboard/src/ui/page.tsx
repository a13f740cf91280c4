// The parts of a page: head, sections, facts, figures.
import { useEffect, type ReactNode } from "react";

import { cx } from "./cx";
import { Icon } from "./Icon";
import { Link } from "./Link";
import styles from "./page.module.css";

/** A page: its title (also that of the tab), what leads back, and its actions. */
export function Page(props: {
  title: string;
  /** Shown in place of the title, where it is more than text. */
  heading?: ReactNode;
  parent?: { href: string; label: string };
  meta?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
  /** Fills the window: the content scrolls by itself. */
  fill?: boolean;
}) {
  const { title } = props;
  useEffect(() => {
    document.title = `${title} · ocpp-mesh`;
  }, [title]);
  return (
    <div className={cx(styles.page, props.fill && styles.fill)}>
      <header className={styles.head}>
        <div className={styles.headText}>
          {props.parent && (
            <Link href={props.parent.href} className={styles.parent}>
              <Icon name="chevronLeft" size={14} />
              {props.parent.label}
            </Link>
          )}
          <h1 tabIndex={-1}>{props.heading ?? title}</h1>
          {props.meta && <div className={styles.meta}>{props.meta}</div>}
        </div>
        {props.actions && <div className={styles.actions}>{props.actions}</div>}
      </header>
      {props.children}
    </div>
  );
}

/** A part of a page, in a frame. `flush` leaves the inner space to the content, as for a table. */
export function Section(props: {
  title?: string;
  actions?: ReactNode;
  children: ReactNode;
  flush?: boolean;
  className?: string;
}) {
  return (
    <section className={cx(styles.section, props.className)} aria-label={props.title}>
      {(props.title || props.actions) && (
        <header className={styles.sectionHead}>
          <h2>{props.title}</h2>
          {props.actions && <div className={styles.actions}>{props.actions}</div>}
        </header>
      )}
      <div className={props.flush ? undefined : styles.sectionBody}>{props.children}</div>
    </section>
  );
}

/** Parts beside each other where there is room. */
export function Columns(props: { children: ReactNode; wide?: boolean }) {
  return <div className={cx(styles.columns, props.wide && styles.wideColumns)}>{props.children}</div>;
}

export interface Fact {
  label: string;
  value: ReactNode;
}

/** Facts as pairs of name and value; those without a value are left out. */
export function Facts(props: { facts: readonly (Fact | false | undefined)[] }) {
  return (
    <dl className={styles.facts}>
      {props.facts.map(
        (fact) =>
          fact &&
          fact.value !== "" &&
          fact.value !== undefined && (
            <div key={fact.label} className={styles.fact}>
              <dt>{fact.label}</dt>
              <dd>{fact.value}</dd>
            </div>
          ),
      )}
    </dl>
  );
}

/** One figure with its name. */
export function Figure(props: { label: string; value: ReactNode; note?: ReactNode }) {
  return (
    <div className={styles.figure}>
      <span className={styles.figureLabel}>{props.label}</span>
      <span className={styles.figureValue}>{props.value}</span>
      {props.note && <span className={styles.figureNote}>{props.note}</span>}
    </div>
  );
}

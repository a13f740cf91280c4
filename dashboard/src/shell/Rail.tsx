import { useState } from "react";
import { useLocation } from "wouter";

import { usePermissions } from "../api/permissions";
import { useLanguage } from "../i18n/catalogue";
import { cx, Icon, IconButton, Link, MenuButton, useGo } from "../ui";
import type { NavigationItem } from "./capability";
import styles from "./Rail.module.css";
import { currentItem } from "./current_item";
import { navigationFor } from "./registry";
import { useShellText } from "./text";

const COLLAPSED = "csms.rail";
const ON_PHONE = 4;

function Item(props: { item: NavigationItem; small: boolean }) {
  const language = useLanguage();
  const [location] = useLocation();
  const { item } = props;
  const current = currentItem(navigationFor(usePermissions()), location)?.path === item.path;
  const label = item.label[language];
  return (
    <li>
      <Link
        href={item.path}
        className={cx(styles.item, current && styles.current)}
        aria-current={current ? "page" : undefined}
        {...(props.small ? { title: label } : {})}
      >
        <Icon name={item.icon} />
        <span className={props.small ? "visually-hidden" : styles.word}>{label}</span>
      </Link>
    </li>
  );
}

function Group(props: { title: string; items: readonly NavigationItem[]; small: boolean }) {
  const { items, small } = props;
  if (items.length === 0) return null;
  return (
    <>
      <p className={small ? "visually-hidden" : styles.group}>{props.title}</p>
      <ul className={styles.list}>
        {items.map((item) => (
          <Item key={item.path} item={item} small={small} />
        ))}
      </ul>
    </>
  );
}

/** The rail of a desk; it collapses to icons. */
export function Rail() {
  const t = useShellText();
  const items = navigationFor(usePermissions());
  const [small, setSmall] = useState(localStorage.getItem(COLLAPSED) === "small");
  const toggle = () => {
    localStorage.setItem(COLLAPSED, small ? "wide" : "small");
    setSmall(!small);
  };
  const usual = items.filter((item) => !item.group);
  return (
    <nav aria-label={t.navigation} className={cx(styles.rail, small && styles.small)}>
      <ul className={styles.list}>
        {usual.map((item) => (
          <Item key={item.path} item={item} small={small} />
        ))}
      </ul>
      <Group title={t.fleet} items={items.filter((item) => item.group === "fleet")} small={small} />
      <Group title={t.administration} items={items.filter((item) => item.group === "administration")} small={small} />
      <IconButton className={styles.toggle ?? ""} label={small ? t.expand : t.collapse} icon="rail" onPress={toggle} />
    </nav>
  );
}

/** The bar at the foot of a phone: the first entries, and the rest in a menu. */
export function BottomBar() {
  const t = useShellText();
  const language = useLanguage();
  const go = useGo();
  const items = navigationFor(usePermissions());
  const rest = items.slice(ON_PHONE);
  return (
    <nav aria-label={t.navigation} className={styles.bottom}>
      <ul className={styles.bottomList}>
        {items.slice(0, ON_PHONE).map((item) => (
          <Item key={item.path} item={item} small={false} />
        ))}
        {rest.length > 0 && (
          <li>
            <MenuButton
              label={t.more}
              icon="menu"
              entries={rest.map((item) => ({
                id: item.path,
                label: item.label[language],
                icon: item.icon,
                onAction: () => {
                  go(item.path);
                },
              }))}
            />
          </li>
        )}
      </ul>
    </nav>
  );
}

import { useEffect, useRef, type ReactNode } from "react";
import { Tab, TabList, TabPanel, Tabs as AriaTabs } from "react-aria-components";

import { cx } from "./cx";
import styles from "./Tabs.module.css";
import { useUrlState } from "./url_state";

export interface TabItem {
  id: string;
  label: string;
  content: ReactNode;
  count?: number;
}

/** Tabs whose choice is in the URL, under `parameter`; the first is the one without an entry there. */
export function Tabs(props: { label: string; tabs: readonly TabItem[]; parameter?: string }) {
  const name = props.parameter ?? "tab";
  const url = useUrlState();
  const first = props.tabs[0]?.id ?? "";
  const asked = url.get(name);
  const chosen = props.tabs.some((tab) => tab.id === asked) ? asked : first;
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const box = list.current;
    const tab = box?.querySelector<HTMLElement>("[data-selected]");
    // Of the list alone: the page stays where it is.
    if (box && tab) box.scrollLeft = tab.offsetLeft - box.offsetLeft - (box.clientWidth - tab.offsetWidth) / 2;
  }, [chosen]);
  return (
    <AriaTabs
      className={cx(styles.tabs)}
      selectedKey={chosen}
      onSelectionChange={(key) => {
        url.set({ [name]: key === first ? undefined : String(key) });
      }}
    >
      <TabList ref={list} aria-label={props.label} className={cx(styles.list)}>
        {props.tabs.map((tab) => (
          <Tab key={tab.id} id={tab.id} className={cx(styles.tab)}>
            {tab.label}
            {tab.count !== undefined && <span className={cx(styles.count)}>{tab.count}</span>}
          </Tab>
        ))}
      </TabList>
      {props.tabs.map((tab) => (
        <TabPanel key={tab.id} id={tab.id} className={cx(styles.panel)}>
          {tab.content}
        </TabPanel>
      ))}
    </AriaTabs>
  );
}

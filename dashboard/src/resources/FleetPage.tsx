// The page of a list of what all stations have: searched by station, and narrowed by the scope of the top bar.
import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import type { ReactNode } from "react";
import { useLocation } from "wouter";

import { beginsWith } from "../tables";
import { Link } from "../ui";
import styles from "./FleetPage.module.css";
import { ResourcePage, type ListField, type ResourceListProps } from "./ResourcePage";
import { useResourceText } from "./text";

/** A list beside others of its kind, each at a path of its own. */
export interface Part {
  href: string;
  label: string;
}

/** Links to lists of one kind; none where there is but one. */
export function Parts(props: { label: string; parts: readonly Part[] }): ReactNode {
  const [location] = useLocation();
  if (props.parts.length < 2) return null;
  return (
    <nav aria-label={props.label}>
      <ul className={styles.parts}>
        {props.parts.map(({ href, label }) => (
          <li key={href}>
            <Link href={href} className={styles.part} aria-current={location === href ? "page" : undefined}>
              {label}
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  );
}

export function FleetPage<I extends DescMessage, O extends DescMessage, F extends ListField<MessageShape<O>>>(
  props: ResourceListProps<I, O, F> & { title: string; parts?: readonly Part[] },
): ReactNode {
  const t = useResourceText();
  return (
    <ResourcePage
      {...props}
      searchClause={(text) => beginsWith("station_id", text)}
      searchLabel={t.searchStation}
      meta={<Parts label={props.title} parts={props.parts ?? []} />}
    />
  );
}

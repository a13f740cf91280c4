import { useMemo, useState } from "react";
import {
  Button as TreeButton,
  Collection,
  ListLayout,
  Tree,
  TreeItem,
  TreeItemContent,
  Virtualizer,
} from "react-aria-components";

import { Badge, Icon } from "../../ui";
import styles from "./sites.module.css";
import type { Text } from "./text";
import { branches, nameOf, type SiteNode } from "./tree";

const ROW = 40;
// A larger tree begins with its first level alone.
const MOST_EXPANDED = 200;
const MOST_LABELS = 3;

/** The tree: arrows move, open and close; Enter chooses; letters find. Only the rows in view are in the document. */
export function SiteTree(props: {
  nodes: readonly SiteNode[];
  count: number;
  chosen: string;
  /** Sites above the chosen one, which are expanded. */
  above: readonly string[];
  isNarrowed: boolean;
  onChoose: (siteId: string) => void;
  t: Text;
}) {
  const { nodes, chosen, above, isNarrowed, t } = props;
  const all = useMemo(() => branches(nodes), [nodes]);
  // Undefined until the person has opened or closed something.
  const [opened, setOpened] = useState<ReadonlySet<string>>();
  const initial = props.count <= MOST_EXPANDED ? all : above;
  const expanded = isNarrowed ? all : [...(opened ?? initial)];
  return (
    <Virtualizer layout={ListLayout} layoutOptions={{ rowSize: ROW }}>
      <Tree
        aria-label={t.title}
        className={styles.tree ?? ""}
        selectionMode="single"
        selectionBehavior="replace"
        disallowEmptySelection
        selectedKeys={chosen ? [chosen] : []}
        onSelectionChange={(keys) => {
          const [first] = keys === "all" ? [] : [...keys];
          if (first !== undefined) props.onChoose(String(first));
        }}
        expandedKeys={expanded}
        onExpandedChange={(keys) => {
          setOpened(new Set([...keys].map(String)));
        }}
        items={nodes}
      >
        {(node) => <Item node={node} t={t} />}
      </Tree>
    </Virtualizer>
  );
}

function Item(props: { node: SiteNode; t: Text }) {
  const { node, t } = props;
  const { site } = node;
  const labels = Object.entries(site.labels);
  return (
    <TreeItem id={site.siteId} textValue={nameOf(site)} className={styles.item ?? ""}>
      <TreeItemContent>
        {({ hasChildItems, isExpanded, level }) => (
          <div className={styles.row} data-level={Math.min(level, 8)}>
            {hasChildItems ? (
              <TreeButton slot="chevron" className={styles.chevron ?? ""}>
                <Icon name={isExpanded ? "chevronDown" : "chevronRight"} size={16} />
              </TreeButton>
            ) : (
              <span className={styles.chevron} />
            )}
            <span className={styles.name}>{nameOf(site)}</span>
            <span className={styles.kind}>{site.kind}</span>
            <span className={styles.rowLabels}>
              {labels.slice(0, MOST_LABELS).map(([key, value]) => (
                <Badge key={key}>{`${key}: ${value}`}</Badge>
              ))}
              {labels.length > MOST_LABELS && <Badge>{t.moreLabels(labels.length - MOST_LABELS)}</Badge>}
            </span>
          </div>
        )}
      </TreeItemContent>
      <Collection items={node.parts}>{(part) => <Item node={part} t={t} />}</Collection>
    </TreeItem>
  );
}

// A table of any length: only the rows in view are in the document. On a phone each row is a card.
import { useVirtualizer, type VirtualItem } from "@tanstack/react-virtual";
import { useEffect, useRef, useState, type KeyboardEvent, type ReactNode } from "react";

import { useFormats } from "../formats/Time";
import { Checkbox, cx, Icon } from "../ui";
import { leastWidth, nextSort, tracksOf, type Column, type Sort } from "./columns";
import styles from "./DataTable.module.css";
import { useTableText } from "./text";
import { PHONE, useMedia } from "./useMedia";

export interface DataTableProps<Row> {
  /** Name of the table, for screen readers. */
  label: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  rowKey: (row: Row) => string;
  /** Name of a row, for screen readers; its key where absent. */
  rowName?: (row: Row) => string;
  /** Opens a row: Enter, or a press anywhere on it that is not a control. */
  onOpen?: (row: Row) => void;
  sort?: Sort | undefined;
  onSort?: (sort: Sort | undefined) => void;
  selection?: ReadonlySet<string>;
  onSelect?: (selection: ReadonlySet<string>) => void;
  hasMore?: boolean;
  isLoadingMore?: boolean;
  onMore?: () => void;
  /** Scrolls by itself within its parent's height; otherwise it is as high as its rows, up to `maxRows`. */
  fill?: boolean;
  maxRows?: number;
  compact?: boolean;
  /** Marked as old: the live stream is lost. */
  isStale?: boolean;
  foot?: ReactNode;
}

const AHEAD = 30;

export function DataTable<Row>(props: DataTableProps<Row>) {
  const phone = useMedia(PHONE);
  const { rows, rowKey, hasMore, onMore } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const [active, setActive] = useState(0);
  const rowHeight = props.compact ? 32 : 40;
  // eslint-disable-next-line react-hooks/incompatible-library -- the compiler leaves this component alone, as it should
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => (phone ? 96 : rowHeight),
    getItemKey: (index) => {
      const row = rows[index];
      return row === undefined ? index : rowKey(row);
    },
    overscan: 12,
  });
  const items = virtual.getVirtualItems();
  const last = items.at(-1)?.index ?? -1;
  useEffect(() => {
    if (hasMore && last >= rows.length - AHEAD) onMore?.();
  }, [hasMore, last, rows.length, onMore]);
  const focusRow = (index: number) => {
    const target = Math.max(0, Math.min(rows.length - 1, index));
    setActive(target);
    virtual.scrollToIndex(target);
    requestAnimationFrame(() => {
      scroller.current?.querySelector<HTMLElement>(`[data-index="${String(target)}"]`)?.focus();
    });
  };
  const body = { ...props, items, active, setActive, focusRow, measure: virtual.measureElement };
  const height = props.fill ? undefined : Math.min(virtual.getTotalSize(), (props.maxRows ?? 12) * rowHeight) + 36;
  return (
    <div className={cx(styles.frame, props.fill && styles.fill, props.isStale && styles.stale)}>
      <div
        ref={scroller}
        className={styles.scroller}
        style={height === undefined ? undefined : { maxBlockSize: height + (phone ? 400 : 0) }}
      >
        <div
          role="grid"
          aria-label={props.label}
          aria-rowcount={rows.length + 1}
          aria-multiselectable={props.onSelect !== undefined}
          className={styles.grid}
          style={phone ? undefined : { minInlineSize: leastWidth(tracks(props)) }}
        >
          {!phone && <Head {...props} />}
          <div role="rowgroup" className={styles.body} style={{ blockSize: virtual.getTotalSize() }}>
            {phone ? <Cards {...body} /> : <Rows {...body} />}
          </div>
        </div>
      </div>
      <Foot {...props} />
    </div>
  );
}

interface BodyProps<Row> extends DataTableProps<Row> {
  items: VirtualItem[];
  active: number;
  setActive: (index: number) => void;
  focusRow: (index: number) => void;
  measure: (element: Element | null) => void;
}

function tracks<Row>(props: Pick<DataTableProps<Row>, "columns" | "onSelect">): string[] {
  return [...(props.onSelect ? ["40px"] : []), ...tracksOf(props.columns)];
}

function Head<Row>(props: DataTableProps<Row>) {
  const t = useTableText();
  const { rows, rowKey, selection, onSelect } = props;
  const count = selection?.size ?? 0;
  return (
    <div role="rowgroup" className={styles.head}>
      <div role="row" aria-rowindex={1} className={styles.row} style={{ gridTemplateColumns: tracks(props).join(" ") }}>
        {onSelect && (
          <div role="columnheader" className={styles.cell}>
            <Checkbox
              aria-label={t.selectAll}
              isSelected={count > 0 && count >= rows.length}
              isIndeterminate={count > 0 && count < rows.length}
              onChange={(all) => {
                onSelect(new Set(all ? rows.map(rowKey) : []));
              }}
            />
          </div>
        )}
        {props.columns.map((column) => (
          <HeadCell key={column.id} column={column} sort={props.sort} onSort={props.onSort} />
        ))}
      </div>
    </div>
  );
}

function HeadCell<Row>(props: {
  column: Column<Row>;
  sort: Sort | undefined;
  onSort: ((sort: Sort | undefined) => void) | undefined;
}) {
  const t = useTableText();
  const { column, sort, onSort } = props;
  const sorted = sort?.column === column.id ? sort : undefined;
  const next = nextSort(sort, column.id);
  const hint = !next ? t.unsorted : next.descending ? t.sortDescending : t.sortAscending;
  return (
    <div
      role="columnheader"
      aria-sort={sorted ? (sorted.descending ? "descending" : "ascending") : undefined}
      className={cx(styles.cell, column.align === "end" && styles.end)}
    >
      {column.sortBy && onSort ? (
        <button
          type="button"
          className={styles.sort}
          title={hint(column.label)}
          onClick={() => {
            onSort(next);
          }}
        >
          {column.label}
          {sorted && <Icon name={sorted.descending ? "chevronDown" : "chevronUp"} size={14} />}
        </button>
      ) : (
        column.label
      )}
    </div>
  );
}

function rowProps<Row>(props: BodyProps<Row>, row: Row, index: number) {
  const key = props.rowKey(row);
  const toggle = () => {
    const next = new Set(props.selection);
    if (!next.delete(key)) next.add(key);
    props.onSelect?.(next);
  };
  const moves: Record<string, number> = {
    ArrowDown: index + 1,
    ArrowUp: index - 1,
    PageDown: index + 12,
    PageUp: index - 12,
    Home: 0,
    End: props.rows.length - 1,
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.target !== event.currentTarget) return;
    const target = moves[event.key];
    if (target !== undefined) props.focusRow(target);
    else if (event.key === " " && props.onSelect) toggle();
    else if (event.key === "Enter" && props.onOpen) props.onOpen(row);
    else return;
    event.preventDefault();
  };
  return {
    toggle,
    selected: props.selection?.has(key) ?? false,
    attributes: {
      role: "row",
      "aria-rowindex": index + 2,
      "aria-selected": props.onSelect ? (props.selection?.has(key) ?? false) : undefined,
      tabIndex: index === Math.min(props.active, props.rows.length - 1) ? 0 : -1,
      "data-index": index,
      onKeyDown,
      onFocus: () => {
        props.setActive(index);
      },
      onClick: (event: { target: EventTarget }) => {
        const control = (event.target as Element).closest("a, button, input, label");
        if (!control && globalThis.getSelection()?.isCollapsed !== false) props.onOpen?.(row);
      },
    },
  };
}

function Rows<Row>(props: BodyProps<Row>) {
  const t = useTableText();
  const template = tracks(props).join(" ");
  return props.items.map((item) => {
    const row = props.rows[item.index];
    if (row === undefined) return null;
    const { attributes, selected, toggle } = rowProps(props, row, item.index);
    const name = (props.rowName ?? props.rowKey)(row);
    return (
      <div
        key={item.key}
        {...attributes}
        className={cx(styles.row, styles.bodyRow, selected && styles.selected, props.onOpen && styles.opens)}
        style={{
          gridTemplateColumns: template,
          blockSize: item.size,
          transform: `translateY(${String(item.start)}px)`,
        }}
      >
        {props.onSelect && (
          <div role="gridcell" className={styles.cell}>
            <Checkbox aria-label={t.selectRow(name)} isSelected={selected} onChange={toggle} excludeFromTabOrder />
          </div>
        )}
        {props.columns.map((column) => (
          <div key={column.id} role="gridcell" className={cx(styles.cell, column.align === "end" && styles.end)}>
            {column.cell(row) ?? <span className={styles.none}>–</span>}
          </div>
        ))}
      </div>
    );
  });
}

function Cards<Row>(props: BodyProps<Row>) {
  const heads = props.columns.filter((column) => column.card === "head");
  const lines = props.columns.filter((column) => column.card !== "head" && column.card !== "none");
  return props.items.map((item) => {
    const row = props.rows[item.index];
    if (row === undefined) return null;
    return (
      <div
        key={item.key}
        {...rowProps(props, row, item.index).attributes}
        ref={props.measure}
        className={styles.card}
        style={{ transform: `translateY(${String(item.start)}px)` }}
      >
        <div className={styles.cardHead}>
          {heads.map((column) => (
            <div key={column.id} role="gridcell">
              {column.cell(row)}
            </div>
          ))}
        </div>
        <div className={styles.cardLines}>
          {lines.map((column) => {
            const content = column.cell(row);
            if (content === null || content === undefined || content === "" || content === false) return null;
            return (
              <div key={column.id} role="gridcell" className={styles.cardLine}>
                <span className={styles.cardLabel}>{column.label}</span>
                <span>{content}</span>
              </div>
            );
          })}
        </div>
      </div>
    );
  });
}

function Foot<Row>(props: DataTableProps<Row>) {
  const t = useTableText();
  const formats = useFormats();
  return (
    <div className={styles.foot}>
      <span>{t.rows(formats.number(props.rows.length), props.hasMore ?? false)}</span>
      {props.isLoadingMore && <span role="status">{t.loadingMore}</span>}
      {props.foot}
    </div>
  );
}

// A table of any length: only the rows in view are in the document. On a phone each row is a card.
import { useVirtualizer, type VirtualItem } from "@tanstack/react-virtual";
import {
  memo,
  useEffect,
  useRef,
  useState,
  type FocusEvent,
  type KeyboardEvent,
  type MouseEvent,
  type ReactNode,
} from "react";

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
          <RowGroup {...body} phone={phone} height={virtual.getTotalSize()} />
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
      {(column.sortBy ?? column.orderBy) && onSort ? (
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

/** Handlers of all rows, at their group: rows that know no handler are not rendered again while one scrolls. */
function useRowHandlers<Row>(props: BodyProps<Row>) {
  const { rows, rowKey, selection, onSelect, onOpen } = props;
  const rowOf = (target: EventTarget) => {
    const element = (target as Element).closest<HTMLElement>("[data-index]");
    const index = Number(element?.dataset.index ?? -1);
    return { element, index, row: rows[index] };
  };
  const toggle = (row: Row) => {
    const next = new Set(selection);
    if (!next.delete(rowKey(row))) next.add(rowKey(row));
    onSelect?.(next);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const { element, index, row } = rowOf(event.target);
    if (row === undefined || event.target !== element) return;
    const target = targetOf(event.key, index, rows.length);
    if (target !== undefined) props.focusRow(target);
    else if (event.key === " " && onSelect) toggle(row);
    else if (event.key === "Enter" && onOpen) onOpen(row);
    else return;
    event.preventDefault();
  };
  const onClick = (event: MouseEvent) => {
    const { row } = rowOf(event.target);
    if (row === undefined) return;
    if ((event.target as Element).closest("[data-check]")) toggle(row);
    else if (
      !(event.target as Element).closest("a, button, input, label") &&
      globalThis.getSelection()?.isCollapsed !== false
    )
      onOpen?.(row);
  };
  const onFocus = (event: FocusEvent) => {
    const { index } = rowOf(event.target);
    if (index >= 0) props.setActive(index);
  };
  return { onKeyDown, onClick, onFocus };
}

const PAGE_ROWS = 12;

function targetOf(key: string, index: number, count: number): number | undefined {
  const moves: Record<string, number> = {
    ArrowDown: index + 1,
    ArrowUp: index - 1,
    PageDown: index + PAGE_ROWS,
    PageUp: index - PAGE_ROWS,
    Home: 0,
    End: count - 1,
  };
  return moves[key];
}

function RowGroup<Row>(props: BodyProps<Row> & { phone: boolean; height: number }) {
  const template = tracks(props).join(" ");
  const handlers = useRowHandlers(props);
  const active = Math.min(props.active, props.rows.length - 1);
  return (
    <div role="rowgroup" className={styles.body} style={{ blockSize: props.height }} {...handlers}>
      {props.items.map((item) => {
        const row = props.rows[item.index];
        if (row === undefined) return null;
        const shared: RowProps<Row> = {
          row,
          index: item.index,
          start: item.start,
          columns: props.columns,
          isActive: item.index === active,
          isSelected: props.onSelect ? (props.selection?.has(props.rowKey(row)) ?? false) : undefined,
        };
        if (props.phone) return <CardView key={item.key} {...shared} measure={props.measure} />;
        const name = (props.rowName ?? props.rowKey)(row);
        return (
          <RowView
            key={item.key}
            {...shared}
            size={item.size}
            template={template}
            name={name}
            opens={props.onOpen !== undefined}
          />
        );
      })}
    </div>
  );
}

interface RowProps<Row> {
  row: Row;
  index: number;
  start: number;
  columns: readonly Column<Row>[];
  isActive: boolean;
  /** Undefined where rows cannot be chosen. */
  isSelected: boolean | undefined;
}

const RowView = memo(function RowView<Row>(
  props: RowProps<Row> & { size: number; template: string; name: string; opens: boolean },
) {
  const t = useTableText();
  const { row, index, isSelected } = props;
  return (
    <div
      role="row"
      aria-rowindex={index + 2}
      aria-selected={isSelected}
      tabIndex={props.isActive ? 0 : -1}
      data-index={index}
      className={cx(styles.row, styles.bodyRow, isSelected && styles.selected, props.opens && styles.opens)}
      style={{
        gridTemplateColumns: props.template,
        blockSize: props.size,
        transform: `translateY(${String(props.start)}px)`,
      }}
    >
      {isSelected !== undefined && (
        <div role="gridcell" className={styles.cell}>
          <input
            type="checkbox"
            data-check
            readOnly
            tabIndex={-1}
            className={styles.check}
            aria-label={t.selectRow(props.name)}
            checked={isSelected}
          />
        </div>
      )}
      {props.columns.map((column) => (
        <div key={column.id} role="gridcell" className={cx(styles.cell, column.align === "end" && styles.end)}>
          {column.cell(row) ?? <span className={styles.none}>–</span>}
        </div>
      ))}
    </div>
  );
}) as <Row>(props: RowProps<Row> & { size: number; template: string; name: string; opens: boolean }) => ReactNode;

const CardView = memo(function CardView<Row>({
  row,
  index,
  start,
  columns,
  isActive,
  measure,
}: RowProps<Row> & { measure: (element: Element | null) => void }) {
  const heads = columns.filter((column) => column.card === "head");
  const lines = columns.filter((column) => column.card !== "head" && column.card !== "none");
  return (
    <div
      role="row"
      aria-rowindex={index + 2}
      tabIndex={isActive ? 0 : -1}
      data-index={index}
      ref={measure}
      className={styles.card}
      style={{ transform: `translateY(${String(start)}px)` }}
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
          if (content === null || content === undefined || content === "" || content === "–" || content === false)
            return null;
          const isActions = column.id === "actions";
          return (
            <div key={column.id} role="gridcell" className={cx(styles.cardLine, isActions && styles.cardActions)}>
              <span className={isActions ? "visually-hidden" : styles.cardLabel}>{column.label}</span>
              <span>{content}</span>
            </div>
          );
        })}
      </div>
    </div>
  );
}) as <Row>(props: RowProps<Row> & { measure: (element: Element | null) => void }) => ReactNode;

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

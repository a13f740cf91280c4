// The page of a list: search, filters, columns, the table and its selection, all from one List method.
import type { DescMessage, DescMethodUnary, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { useDeferredValue, useEffect, useMemo, useState, type ReactNode } from "react";

import { useLiveState } from "../live/hooks";
import {
  Button,
  EmptyState,
  ErrorState,
  MenuButton,
  Page,
  SearchField,
  Select,
  Skeleton,
  useGo,
  useUrlState,
  type MenuEntry,
} from "../ui";
import { useScopeClause } from "./scope";
import { chosenColumns, orderOf, readSort, sortRows, writeColumns, writeSort, type Column } from "./columns";
import { DataTable } from "./DataTable";
import { allOf, clauseOf, type Filter } from "./filters";
import styles from "./ListPage.module.css";
import { useTableText } from "./text";
import { Views } from "./Views";
import { usePagedRows, type LiveRows, type PagedRows, type RowOf } from "./usePagedRows";
import { useSettled } from "./useSettled";
import { useFormats } from "../formats/Time";

type ListField<T> = { [K in keyof T]: T[K] extends readonly unknown[] ? K : never }[keyof T] & string;

export interface RpcListProps<I extends DescMessage, O extends DescMessage, F extends ListField<MessageShape<O>>> {
  method: DescMethodUnary<I, O>;
  /** The request, without its page and filter. */
  request?: MessageInitShape<I>;
  /** Further AIP-160 clause; the filters and the scope are added where the method has a field `filter`. */
  clause?: string;
  /** The field of the answer that has the rows. */
  field: F;
  label: string;
  columns: readonly Column<RowOf<MessageShape<O>, F>>[];
  rowKey: (row: RowOf<MessageShape<O>, F>) => string;
  rowName?: (row: RowOf<MessageShape<O>, F>) => string;
  /** The page that a row leads to. */
  href?: (row: RowOf<MessageShape<O>, F>) => string;
  filters?: readonly Filter[];
  /** The text of a row that the search looks in; without it, and without `searchClause`, there is no search. */
  searchText?: (row: RowOf<MessageShape<O>, F>) => string;
  /** The AIP-160 clause for a text, where the server searches: then no row but those found is read. */
  searchClause?: (text: string) => string;
  searchLabel?: string;
  live?: LiveRows<RowOf<MessageShape<O>, F>>;
  /** Whether rows can be chosen, and the actions for those that are. */
  bulk?: (selected: readonly RowOf<MessageShape<O>, F>[], clear: () => void) => ReactNode;
  /** Where the tenant has no such thing at all. */
  empty: ReactNode;
  pageSize?: number;
  /** Fills the rest of the page (the default), or is as high as its rows. */
  fill?: boolean;
  compact?: boolean;
  /** The scope of the top bar does not concern this list. */
  ignoreScope?: boolean;
  /** Further controls beside the filters. */
  tools?: ReactNode;
  /** Prefix of its parameters in the URL, where a page has several lists. */
  name?: string;
  /** Shown beside the list, such as a dialog about one of its rows. */
  aside?: (rows: PagedRows<RowOf<MessageShape<O>, F>>) => ReactNode;
}

/** A list with its tools, for a page or a tab. */
export function RpcList<I extends DescMessage, O extends DescMessage, F extends ListField<MessageShape<O>>>(
  props: RpcListProps<I, O, F>,
) {
  type Row = RowOf<MessageShape<O>, F>;
  const url = useUrlState();
  const go = useGo();
  const prefix = props.name ? `${props.name}.` : "";
  const get = (name: string) => url.get(prefix + name);
  const set = (changes: Record<string, string | undefined>) => {
    url.set(Object.fromEntries(Object.entries(changes).map(([name, value]) => [prefix + name, value])));
  };
  const scope = useScopeClause();
  const filters = props.filters ?? [];
  const chosenClause = clauseOf(filters, get);
  const sort = readSort(get("sort"));
  const typed = useSettled(get("q").trim());
  const searched = typed && props.searchClause ? props.searchClause(typed) : "";
  const clause = allOf(props.clause, chosenClause, searched, props.ignoreScope ? "" : scope);
  const takes = (name: string) => props.method.input.fields.some((field) => field.name === name);
  const paged = usePagedRows<I, O, F>({
    method: props.method,
    field: props.field,
    rowKey: props.rowKey,
    request: {
      ...(props.request as object),
      ...(takes("filter") ? { filter: clause } : {}),
      ...(takes("order_by") ? { orderBy: orderOf(props.columns, sort) } : {}),
    } as MessageInitShape<I>,
    ...(props.pageSize ? { pageSize: props.pageSize } : {}),
    ...(props.live ? { live: props.live } : {}),
  });
  const text = useDeferredValue(get("q"));
  const shown = useShown<Row>(paged, props, orderOf(props.columns, sort) ? undefined : sort, text);
  const [selection, setSelection] = useState<ReadonlySet<string>>(new Set());
  const columns = chosenColumns(props.columns, get("columns"));
  const live = useLiveState();
  const narrowed = Boolean(text || chosenClause);
  const clear = () => {
    set(Object.fromEntries([["q", undefined], ...filters.map((filter) => [filter.id, undefined] as const)]));
  };
  const { href } = props;
  return (
    <div className={props.fill === false ? styles.list : styles.fillList}>
      <Tools {...props} get={get} set={set} columnSet={new Set(columns.map((column) => column.id))} />
      {props.bulk && selection.size > 0 && (
        <BulkBar<Row>
          rows={paged.rows}
          rowKey={props.rowKey}
          selection={selection}
          onSelect={setSelection}
          actions={props.bulk}
        />
      )}
      <Body
        paged={paged}
        count={shown.length}
        narrowed={narrowed}
        scoped={Boolean(scope)}
        empty={props.empty}
        onClear={clear}
      >
        <DataTable
          label={props.label}
          columns={columns}
          rows={shown}
          rowKey={props.rowKey}
          {...(props.rowName ? { rowName: props.rowName } : {})}
          {...(href
            ? {
                onOpen: (row: Row) => {
                  go(href(row));
                },
              }
            : {})}
          sort={sort}
          onSort={(next) => {
            set({ sort: writeSort(next) });
          }}
          {...(props.bulk ? { selection, onSelect: setSelection } : {})}
          hasMore={paged.hasMore}
          isLoadingMore={paged.isLoadingMore}
          onMore={paged.loadMore}
          fill={props.fill ?? true}
          compact={props.compact ?? false}
          isStale={live.kind === "paused"}
        />
      </Body>
      {props.aside?.(paged)}
    </div>
  );
}

/** The rows that the search finds, in the chosen order; both need all rows, which are loaded one page after another. */
function useShown<Row>(
  paged: PagedRows<Row>,
  props: { searchText?: (row: Row) => string; columns: readonly Column<Row>[] },
  sort: ReturnType<typeof readSort>,
  text: string,
): readonly Row[] {
  const { rows, hasMore, isLoadingMore, loadMore, error } = paged;
  const needsAll = Boolean(text && props.searchText) || sort !== undefined;
  useEffect(() => {
    if (needsAll && hasMore && !isLoadingMore && !error) loadMore();
  }, [needsAll, hasMore, isLoadingMore, loadMore, error, rows.length]);
  const { searchText, columns } = props;
  const [column, descending] = [sort?.column, sort?.descending ?? false];
  return useMemo(() => {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    const found =
      words.length > 0 && searchText
        ? rows.filter((row) => {
            const inRow = searchText(row).toLowerCase();
            return words.every((word) => inRow.includes(word));
          })
        : rows;
    return sortRows(found, columns, column === undefined ? undefined : { column, descending });
    // Columns and searchText are made anew with each render and depend on the language alone.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [rows, text, column, descending]);
}

function Tools<I extends DescMessage, O extends DescMessage, F extends ListField<MessageShape<O>>>(
  props: RpcListProps<I, O, F> & {
    get: (name: string) => string;
    set: (changes: Record<string, string | undefined>) => void;
    columnSet: ReadonlySet<string>;
  },
) {
  const t = useTableText();
  const { get, set, columns, columnSet } = props;
  const choose = (id: string) => {
    const next = new Set(columnSet);
    if (!next.delete(id)) next.add(id);
    if (next.size > 0) set({ columns: writeColumns(columns, next) });
  };
  const entries: MenuEntry[] = columns.map((column) => ({
    id: column.id,
    label: column.label,
    checked: columnSet.has(column.id),
    onAction: () => {
      choose(column.id);
    },
  }));
  return (
    <div className={styles.tools}>
      {(props.searchText ?? props.searchClause) && (
        <SearchField
          className={styles.search ?? ""}
          label={props.searchLabel ?? t.searchIn(props.label)}
          value={get("q")}
          onChange={(q) => {
            set({ q });
          }}
        />
      )}
      {(props.filters ?? []).map((filter) => (
        <Select
          key={filter.id}
          label={filter.label}
          hideLabel
          className={styles.filter}
          placeholder={filter.label}
          options={[
            { id: "*", label: `${filter.label}: ${t.any}` },
            ...filter.options.map((option) => ({ id: option.id, label: option.label })),
          ]}
          value={get(filter.id)}
          onChange={(value) => {
            set({ [filter.id]: value === "*" ? undefined : value });
          }}
        />
      ))}
      {props.tools}
      <span className={styles.spacer} />
      {!props.name && <Views list={props.method.name} />}
      <MenuButton label={t.columns} text={t.columns} icon="columns" entries={entries} />
    </div>
  );
}

function BulkBar<Row>(props: {
  rows: readonly Row[];
  rowKey: (row: Row) => string;
  selection: ReadonlySet<string>;
  onSelect: (selection: ReadonlySet<string>) => void;
  actions: (selected: readonly Row[], clear: () => void) => ReactNode;
}) {
  const t = useTableText();
  const formats = useFormats();
  const clear = () => {
    props.onSelect(new Set());
  };
  const selected = props.rows.filter((row) => props.selection.has(props.rowKey(row)));
  return (
    <div role="toolbar" aria-label={t.selected(String(selected.length))} className={styles.bulk}>
      <strong>{t.selected(formats.number(selected.length))}</strong>
      {props.actions(selected, clear)}
      <Button small kind="quiet" onPress={clear}>
        {t.clearSelection}
      </Button>
    </div>
  );
}

function Body(props: {
  paged: PagedRows<unknown>;
  count: number;
  narrowed: boolean;
  scoped: boolean;
  empty: ReactNode;
  onClear: () => void;
  children: ReactNode;
}) {
  const t = useTableText();
  const { paged } = props;
  if (paged.isLoading && !paged.error) return <Skeleton kind="rows" lines={10} />;
  if (paged.error && paged.rows.length === 0) return <ErrorState error={paged.error} onRetry={paged.refetch} />;
  if (props.count === 0 && !paged.hasMore) {
    if (!props.narrowed && !props.scoped) return props.empty;
    return (
      <EmptyState
        title={t.noMatch}
        icon="search"
        action={props.narrowed && <Button onPress={props.onClear}>{t.clearFilters}</Button>}
      >
        <p>{t.noMatchText}</p>
      </EmptyState>
    );
  }
  return (
    <>
      {props.children}
      {paged.error && <ErrorState inline title={t.moreFailed} error={paged.error} onRetry={paged.refetch} />}
    </>
  );
}

/** A page that is one list. */
export function ListPage<I extends DescMessage, O extends DescMessage, F extends ListField<MessageShape<O>>>(
  props: RpcListProps<I, O, F> & { title: string; actions?: ReactNode; meta?: ReactNode },
) {
  return (
    <Page
      title={props.title}
      fill
      {...(props.actions ? { actions: props.actions } : {})}
      {...(props.meta ? { meta: props.meta } : {})}
    >
      <RpcList {...props} />
    </Page>
  );
}

// The rows of a List method, page after page, kept up by events.
import type { DescMessage, DescMethodUnary, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { callUnaryMethod, createConnectQueryKey, useTransport } from "@connectrpc/connect-query";
import { useInfiniteQuery, useQueryClient, type QueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useEffectEvent, useMemo, useRef } from "react";

import { readAnew } from "../api/queries";
import type { LiveEvent, LiveFilter } from "../live/events";
import { debounce, useLiveEvents } from "../live/hooks";
import { applyEvents, removeRows, replaceRows, type ApplyEvent, type Pages } from "./live_rows";

export interface LiveRows<Row> {
  filter: LiveFilter;
  /** The key of the row that an event concerns. */
  keyOf: (event: LiveEvent) => string;
  apply: ApplyEvent<Row>;
  /** Reads one row anew; without it the whole list is. */
  reload?: (key: string) => Promise<Row | undefined>;
}

export interface PagedRows<Row> {
  rows: readonly Row[];
  /** Nothing has come yet. */
  isLoading: boolean;
  isLoadingMore: boolean;
  error: unknown;
  hasMore: boolean;
  loadMore: () => void;
  refetch: () => void;
}

/** Names of the fields of an answer that are lists. */
type ListField<T> = { [K in keyof T]: T[K] extends readonly unknown[] ? K : never }[keyof T] & string;
export type RowOf<T, F extends keyof T> = T[F] extends readonly (infer Row)[] ? Row : never;

export interface PagedOptions<I extends DescMessage, O extends DescMessage, F extends ListField<MessageShape<O>>> {
  method: DescMethodUnary<I, O>;
  /** The request without its page. */
  request?: MessageInitShape<I>;
  /** The field of the answer that has the rows. */
  field: F;
  rowKey: (row: RowOf<MessageShape<O>, F>) => string;
  pageSize?: number;
  live?: LiveRows<RowOf<MessageShape<O>, F>>;
  /** Refused to load: a request that cannot be made yet. */
  isDisabled?: boolean;
}

const PAGE_SIZE = 200;
const MOST_RELOADS = 25;

export function usePagedRows<I extends DescMessage, O extends DescMessage, F extends ListField<MessageShape<O>>>(
  options: PagedOptions<I, O, F>,
): PagedRows<RowOf<MessageShape<O>, F>> {
  type Row = RowOf<MessageShape<O>, F>;
  const { method, field, rowKey } = options;
  const transport = useTransport();
  const request = { ...(options.request as object), pageSize: options.pageSize ?? PAGE_SIZE };
  const queryKey = createConnectQueryKey({
    schema: method,
    transport,
    input: request as unknown as MessageInitShape<I>,
    cardinality: "infinite",
  }) as readonly unknown[];
  const query = useInfiniteQuery({
    queryKey,
    queryFn: ({ pageParam, signal }) =>
      callUnaryMethod(transport, method, { ...request, pageToken: pageParam } as unknown as MessageInitShape<I>, {
        signal,
      }),
    initialPageParam: "",
    getNextPageParam: (answer) => (answer as { nextPageToken?: string }).nextPageToken || undefined,
    structuralSharing: false,
    enabled: !options.isDisabled,
    // While another order or search is read, the rows of the former stay, and the table does not jump.
    placeholderData: (former, formerQuery) =>
      formerQuery && sameList(formerQuery.queryKey) === sameList(queryKey) ? former : undefined,
  });
  useLiveRows<Row>({ queryKey, field, rowKey, live: options.live });
  const pages = query.data?.pages;
  const rows = useMemo(() => (pages ?? []).flatMap((page) => page[field] as unknown as Row[]), [pages, field]);
  const { fetchNextPage, hasNextPage, isFetchingNextPage, refetch } = query;
  const loadMore = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [fetchNextPage, hasNextPage, isFetchingNextPage]);
  return {
    rows,
    isLoading: query.isPending,
    isLoadingMore: isFetchingNextPage,
    error: query.error,
    hasMore: hasNextPage,
    loadMore,
    refetch: () => void refetch(),
  };
}

/** The part of a key that stays the same while one orders and filters a list, as text. */
function sameList(key: readonly unknown[]): string {
  const { serviceName, methodName, input } = key[1] as { serviceName: string; methodName: string; input: object };
  return JSON.stringify([serviceName, methodName, { ...input, filter: "", orderBy: "" }], (_, value: unknown) =>
    typeof value === "bigint" ? value.toString() : value,
  );
}

type Page<Row> = Record<string, Row[]>;

/** Removes rows from all lists of a method at once, before they are read anew. */
export function dropRows<I extends DescMessage, O extends DescMessage, F extends ListField<MessageShape<O>>>(
  client: QueryClient,
  method: DescMethodUnary<I, O>,
  field: F,
  isGone: (row: RowOf<MessageShape<O>, F>) => boolean,
): void {
  const queryKey = createConnectQueryKey({ schema: method, cardinality: "infinite" });
  client.setQueriesData<Pages<Page<RowOf<MessageShape<O>, F>>>>(
    { queryKey },
    (present) => present && removeRows(present, field, (row) => isGone(row as RowOf<MessageShape<O>, F>)),
  );
}

interface LiveOptions<Row> {
  queryKey: readonly unknown[];
  field: string;
  rowKey: (row: Row) => string;
  live: LiveRows<Row> | undefined;
}

const NOTHING: LiveFilter = { types: [] };
const SETTLE_MS = 500;
// A list of many pages is not read again more often than this, however many rows appear.
const LONGEST_MS = 10_000;

function useLiveRows<Row>(options: LiveOptions<Row>): void {
  const client = useQueryClient();
  const { live, queryKey, field, rowKey } = options;
  const stale = useRef(new Set<string>());
  const counts = useRef(new Map<string, number>());
  const reload = useRef<(() => void) | undefined>(undefined);
  const reloadStale = useEffectEvent(async () => {
    const keys = [...stale.current];
    stale.current.clear();
    const doubtful = await reloadRows(client, options, keys, counts.current);
    for (const key of doubtful) stale.current.add(key);
    if (doubtful.length > 0) reload.current?.();
  });
  useEffect(() => {
    const debounced = debounce(() => void reloadStale(), SETTLE_MS, LONGEST_MS);
    reload.current = debounced.call;
    return () => {
      reload.current = undefined;
      debounced.cancel();
    };
  }, []);
  useLiveEvents(live?.filter ?? NOTHING, (events) => {
    if (!live) return;
    const keyed = events.map((event) => ({ key: live.keyOf(event), event }));
    for (const { key } of keyed) counts.current.set(key, (counts.current.get(key) ?? 0) + 1);
    const data = client.getQueryData<Pages<Page<Row>>>(queryKey);
    const applied = data && applyEvents(data, field, rowKey, keyed, live.apply);
    if (applied && applied.data !== data) client.setQueryData(queryKey, applied.data);
    const unsure = new Set(applied ? applied.reload : keyed.map(({ key }) => key));
    // A read that is on its way may have begun before the events, and its answer replaces what they changed.
    if (applied && client.isFetching({ queryKey, exact: true }) > 0) for (const key of applied.changed) unsure.add(key);
    if (unsure.size === 0) return;
    for (const key of unsure) stale.current.add(key);
    reload.current?.();
  });
}

/**
 * Reads rows anew: each by itself where the list can and they are few, else the list. `counts` has the number of events
 * of each row. Returns the keys of rows that had an event while they were read: the answer may be from before it.
 */
async function reloadRows<Row>(
  client: QueryClient,
  options: LiveOptions<Row>,
  keys: readonly string[],
  counts: ReadonlyMap<string, number>,
): Promise<string[]> {
  const { queryKey, field, rowKey, live } = options;
  await client
    .getQueryCache()
    .find({ queryKey, exact: true })
    ?.promise?.catch(() => undefined);
  const data = client.getQueryData<Pages<Page<Row>>>(queryKey);
  const known = new Set(data?.pages.flatMap((page) => (page[field] ?? []).map(rowKey)));
  const reload = live?.reload;
  if (!reload || keys.length > MOST_RELOADS || keys.some((key) => !known.has(key))) {
    await readAnew(client, queryKey);
    return [];
  }
  const changed = new Map<string, Row>();
  const before = new Map(counts);
  const isDoubtful = (key: string) => counts.get(key) !== before.get(key);
  await Promise.all(
    keys.map(async (key) => {
      const row = await reload(key).catch(() => undefined);
      if (row !== undefined && !isDoubtful(key)) changed.set(key, row);
    }),
  );
  client.setQueryData<Pages<Page<Row>>>(queryKey, (present) => present && replaceRows(present, field, rowKey, changed));
  return keys.filter(isDoubtful);
}

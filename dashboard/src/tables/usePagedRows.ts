// The rows of a List method, page after page, kept up by events.
import type { DescMessage, DescMethodUnary, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { callUnaryMethod, createConnectQueryKey, useTransport } from "@connectrpc/connect-query";
import { useInfiniteQuery, useQueryClient, type QueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useEffectEvent, useMemo, useRef } from "react";

import type { LiveEvent, LiveFilter } from "../live/events";
import { debounce, useLiveEvents } from "../live/hooks";
import { applyEvents, replaceRows, type ApplyEvent, type Pages } from "./live_rows";

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

/** What of a key stays the same while one orders and filters a list, as text. */
function sameList(key: readonly unknown[]): string {
  const { serviceName, methodName, input } = key[1] as { serviceName: string; methodName: string; input: object };
  return JSON.stringify([serviceName, methodName, { ...input, filter: "", orderBy: "" }], (_, value: unknown) =>
    typeof value === "bigint" ? value.toString() : value,
  );
}

type Page<Row> = Record<string, Row[]>;

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
  const reload = useRef<(() => void) | undefined>(undefined);
  const reloadStale = useEffectEvent(() => {
    const keys = [...stale.current];
    stale.current.clear();
    void reloadRows(client, options, keys);
  });
  useEffect(() => {
    const debounced = debounce(
      () => {
        reloadStale();
      },
      SETTLE_MS,
      LONGEST_MS,
    );
    reload.current = debounced.call;
    return debounced.cancel;
  }, []);
  useLiveEvents(live?.filter ?? NOTHING, (events) => {
    const data = client.getQueryData<Pages<Page<Row>>>(queryKey);
    if (!live || !data) return;
    const keyed = events.map((event) => ({ key: live.keyOf(event), event }));
    const applied = applyEvents(data, field, rowKey, keyed, live.apply);
    if (applied.data !== data) client.setQueryData(queryKey, applied.data);
    if (applied.reload.size === 0) return;
    for (const key of applied.reload) stale.current.add(key);
    reload.current?.();
  });
}

/** Reads rows anew: each by itself where the list can and they are few, else the list. */
async function reloadRows<Row>(client: QueryClient, options: LiveOptions<Row>, keys: readonly string[]): Promise<void> {
  const { queryKey, field, rowKey, live } = options;
  const data = client.getQueryData<Pages<Page<Row>>>(queryKey);
  const known = new Set(data?.pages.flatMap((page) => (page[field] ?? []).map(rowKey)));
  const reload = live?.reload;
  if (!reload || keys.length > MOST_RELOADS || keys.some((key) => !known.has(key))) {
    await client.invalidateQueries({ queryKey });
    return;
  }
  const changed = new Map<string, Row>();
  await Promise.all(
    keys.map(async (key) => {
      const row = await reload(key).catch(() => undefined);
      if (row !== undefined) changed.set(key, row);
    }),
  );
  client.setQueryData<Pages<Page<Row>>>(queryKey, (present) => present && replaceRows(present, field, rowKey, changed));
}

// The cache of answers. Nothing is polled: what changes comes by the live stream, which invalidates queries.
import type { DescMethodUnary } from "@bufbuild/protobuf";
import { createConnectQueryKey } from "@connectrpc/connect-query";
import { QueryClient, type QueryKey } from "@tanstack/react-query";

import { isTransient } from "./errors";

const MOST_RETRIES = 4;

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 30_000,
      gcTime: 5 * 60_000,
      refetchOnWindowFocus: false,
      retry: (failures, error) => failures < MOST_RETRIES && isTransient(error),
      retryDelay: (failures) => Math.min(500 * 2 ** failures, 8_000),
    },
  },
});

/** Has answers read anew: of one key and all that begin with it, or of all. Only what is shown is read at once. */
export async function readAnew(client: QueryClient, queryKey?: QueryKey): Promise<void> {
  const filters = queryKey === undefined ? {} : { queryKey };
  // A first read that is on its way began before the change, and is not begun again by TanStack Query: its answer, which
  // may be from before the change, would be taken for the newest.
  const first = client
    .getQueryCache()
    .findAll({ ...filters, type: "active" })
    .filter(({ state }) => state.fetchStatus !== "idle" && state.data === undefined);
  const begun = client.invalidateQueries(filters);
  const again = first.map(async (query) => {
    await query.promise?.catch(() => undefined);
    await client.invalidateQueries({ queryKey: query.queryKey, exact: true });
  });
  await Promise.all([begun, ...again]);
}

/** Has all answers of methods read anew, whatever their requests were. */
export function invalidate(client: QueryClient, ...methods: readonly DescMethodUnary[]): void {
  for (const schema of methods) void readAnew(client, createConnectQueryKey({ schema, cardinality: undefined }));
}

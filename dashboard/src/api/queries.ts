// The cache of answers. Nothing is polled: what changes comes by the live stream, which invalidates queries.
import type { DescMethodUnary } from "@bufbuild/protobuf";
import { createConnectQueryKey } from "@connectrpc/connect-query";
import { QueryClient } from "@tanstack/react-query";

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

/** Has all answers of methods read anew, whatever their requests were. Only what is shown is read at once. */
export function invalidate(client: QueryClient, ...methods: readonly DescMethodUnary[]): void {
  for (const schema of methods) {
    void client.invalidateQueries({ queryKey: createConnectQueryKey({ schema, cardinality: undefined }) });
  }
}

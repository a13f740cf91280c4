import type { DescMethodUnary } from "@bufbuild/protobuf";
import { createConnectQueryKey } from "@connectrpc/connect-query";
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useEffectEvent, useSyncExternalStore } from "react";

import { liveState, onLiveEvents, onLiveState, type Handler } from "./client";
import type { LiveFilter } from "./events";
import type { LiveState } from "./stream";

export function useLiveState(): LiveState {
  return useSyncExternalStore(onLiveState, liveState);
}

/** Calls the handler with the live events that the filter lets through, while the component is there. */
export function useLiveEvents(filter: LiveFilter, handler: Handler): void {
  const handle = useEffectEvent(handler);
  const types = filter.types?.join(" ");
  const { stationId } = filter;
  useEffect(() => {
    const wanted: LiveFilter = {
      ...(types === undefined ? {} : { types: types.split(" ") }),
      ...(stationId === undefined ? {} : { stationId }),
    };
    return onLiveEvents(wanted, (events) => {
      handle(events);
    });
  }, [types, stationId]);
}

const SETTLE_MS = 700;
const LONGEST_MS = 3_000;

/**
 * Reads the answers of a method anew after such events: once things have been quiet for a moment, and every three
 * seconds at most where they never are. Only what is shown is read at once.
 */
export function useLiveInvalidation(filter: LiveFilter, ...methods: readonly DescMethodUnary[]): void {
  const client = useQueryClient();
  const invalidate = useEffectEvent(() => {
    for (const schema of methods) {
      void client.invalidateQueries({ queryKey: createConnectQueryKey({ schema, cardinality: undefined }) });
    }
  });
  const types = filter.types?.join(" ");
  const { stationId } = filter;
  useEffect(() => {
    const debounced = debounce(
      () => {
        invalidate();
      },
      SETTLE_MS,
      LONGEST_MS,
    );
    const wanted: LiveFilter = {
      ...(types === undefined ? {} : { types: types.split(" ") }),
      ...(stationId === undefined ? {} : { stationId }),
    };
    const off = onLiveEvents(wanted, debounced.call);
    return () => {
      off();
      debounced.cancel();
    };
  }, [types, stationId]);
}

/** Runs `work` once calls have ceased for `settleMs`, or `longestMs` after the first of them. */
export function debounce(
  work: () => void,
  settleMs: number,
  longestMs: number,
): { call: () => void; cancel: () => void } {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let firstMs: number | undefined;
  const run = () => {
    timer = undefined;
    firstMs = undefined;
    work();
  };
  return {
    call: () => {
      const now = Date.now();
      firstMs ??= now;
      clearTimeout(timer);
      timer = setTimeout(run, Math.max(0, Math.min(settleMs, firstMs + longestMs - now)));
    },
    cancel: () => {
      clearTimeout(timer);
    },
  };
}

import type { DescMessage, DescMethodUnary, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { createConnectQueryKey, useTransport } from "@connectrpc/connect-query";
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useEffectEvent, useState, useSyncExternalStore } from "react";

import { invalidate, readAnew } from "../api/queries";
import { liveState, onLiveEvents, onLiveState, type Handler } from "./client";
import type { LiveEvent, LiveFilter } from "./events";
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
  const readAnew = useEffectEvent(() => {
    invalidate(client, ...methods);
  });
  const types = filter.types?.join(" ");
  const { stationId } = filter;
  useEffect(() => {
    const debounced = debounce(
      () => {
        readAnew();
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

/**
 * Keeps the cached answer of a method up by events: `apply` returns the changed answer, `reload` where the event does
 * not say enough, or undefined where it does not concern the answer.
 */
export function useLiveAnswer<I extends DescMessage, O extends DescMessage>(
  method: DescMethodUnary<I, O>,
  input: MessageInitShape<I>,
  filter: LiveFilter,
  apply: (answer: MessageShape<O>, event: LiveEvent) => MessageShape<O> | "reload" | undefined,
): void {
  const client = useQueryClient();
  const transport = useTransport();
  const queryKey = createConnectQueryKey({ schema: method, input, transport, cardinality: "finite" });
  const readAgain = useEffectEvent(() => void readAnew(client, queryKey));
  const [reloads] = useState(() => ({ wanted: new Set<() => void>() }));
  useEffect(() => {
    const debounced = debounce(
      () => {
        readAgain();
      },
      SETTLE_MS,
      LONGEST_MS,
    );
    reloads.wanted.add(debounced.call);
    return () => {
      reloads.wanted.delete(debounced.call);
      debounced.cancel();
    };
  }, [reloads]);
  useLiveEvents(filter, (events) => {
    // A read that is on its way may have begun before an event, and its answer replaces what the event changed.
    const isReading = client.isFetching({ queryKey, exact: true }) > 0;
    for (const event of events) {
      const answer = client.getQueryData(queryKey);
      const next = answer ? apply(answer, event) : "reload";
      if (next === "reload" || (next && isReading)) for (const call of reloads.wanted) call();
      if (next && next !== "reload") client.setQueryData(queryKey, next as never);
    }
  });
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

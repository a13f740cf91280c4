// The frames of a station: the newest first, older ones page by page, and new ones as they come.
import { useCallback, useEffect, useEffectEvent, useMemo, useState } from "react";

import { clientOf } from "../../api/transport";
import { debounce, useLiveEvents } from "../../live/hooks";
import type { Message } from "../../stubs/csms/station/v1/station_pb";
import { StationService } from "../../stubs/csms/station/v1/station_service_pb";
import { usePagedRows } from "../../tables";
import { frameKey, merged } from "./frames";

const NOTHING = () => undefined;
const PAGE = 100;
/** New frames that are kept: a page that stays open for days must not grow. */
const MOST_NEW = 1_000;
const SETTLE_MS = 400;
const LONGEST_MS = 1_500;

export interface Frames {
  frames: readonly Message[];
  isLoading: boolean;
  isLoadingMore: boolean;
  error: unknown;
  hasMore: boolean;
  loadMore: () => void;
  refetch: () => void;
  /** Reads what has come since. */
  readNew: () => void;
}

export function useFrames(stationId: string, filter: string, isPaused: boolean): Frames {
  const paged = usePagedRows({
    method: StationService.method.listMessages,
    field: "messages",
    request: { stationId, filter },
    rowKey: frameKey,
    pageSize: PAGE,
  });
  const [tail, setTail] = useState<{ of: string; frames: readonly Message[] }>({ of: "", frames: [] });
  const of = `${stationId}\n${filter}`;
  const readNew = useCallback(() => {
    void clientOf(StationService)
      .listMessages({ stationId, filter, pageSize: PAGE })
      .then(({ messages }) => {
        setTail((present) => ({
          of,
          frames: merged(messages, present.of === of ? present.frames : []).slice(0, MOST_NEW),
        }));
      })
      // The next event reads again, and so does the button.
      .catch(() => undefined);
  }, [stationId, filter, of]);
  useTail(stationId, isPaused, readNew);
  const frames = useMemo(() => merged(paged.rows, tail.of === of ? tail.frames : []), [paged.rows, tail, of]);
  return { ...paged, frames, readNew };
}

/**
 * Reads what is new once an event of the station says that something happened. A stream of frames by itself would take
 * one more of the six connections that a browser has on plain HTTP, for each tab; so a frame that makes no event, such
 * as a Heartbeat, is shown with the next one that does, or with the button.
 */
function useTail(stationId: string, isPaused: boolean, readNew: () => void): void {
  const read = useEffectEvent(readNew);
  const [debounced] = useState<ReturnType<typeof debounce>>(() => ({ call: NOTHING, cancel: NOTHING }));
  useEffect(() => {
    if (isPaused) return;
    read();
    Object.assign(
      debounced,
      debounce(
        () => {
          read();
        },
        SETTLE_MS,
        LONGEST_MS,
      ),
    );
    return () => {
      debounced.cancel();
    };
  }, [isPaused, debounced]);
  useLiveEvents({ stationId }, () => {
    if (!isPaused) debounced.call();
  });
}

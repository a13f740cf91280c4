import { useEffect, useMemo, type ReactNode } from "react";

import { useLiveState } from "../../live";
import { allOf, quoted } from "../../tables";
import { Button, EmptyState, ErrorState, Select, Skeleton, useUrlState } from "../../ui";
import { ExchangeRow } from "./ExchangeRow";
import styles from "./MessageLog.module.css";
import { ERROR_TYPES, exchangesOf, isFromStation, type Exchange } from "./frames";
import { useText, type Text } from "./text";
import { useFrames, type Frames } from "./useFrames";

const ANY = "*";
/** Frames that are read at most to find the one that the URL has open. */
const MOST_READ = 3_000;

/** The filters, in the URL; `get` and `set` have the prefix of this tab. */
interface Filters {
  get: (name: string) => string;
  set: (changes: Record<string, string | undefined>) => void;
}

function useFilters(): Filters {
  const url = useUrlState();
  return {
    get: (name) => url.get(`messages.${name}`),
    set: (changes) => {
      url.set(Object.fromEntries(Object.entries(changes).map(([name, value]) => [`messages.${name}`, value])));
    },
  };
}

function clauseOf({ get }: Filters): string {
  const action = get("action");
  return allOf(
    action ? `action = ${quoted(action)}` : "",
    get("kind") === "errors" ? ERROR_TYPES.map((type) => `message_type = ${String(type)}`).join(" OR ") : "",
  );
}

/** Whether an exchange was begun by the side that is asked for. The answers of the other side belong to it. */
function isOfSide(exchange: Exchange, side: string): boolean {
  const begun = exchange.request ?? exchange.answer;
  if (!begun || !side) return true;
  const fromStation = isFromStation(begun) === (exchange.request !== undefined);
  return fromStation === (side === "station");
}

function Choice(props: {
  filters: Filters;
  name: string;
  label: string;
  options: readonly { id: string; label: string }[];
  t: Text;
}) {
  const { filters, name, label, options, t } = props;
  return (
    <Select
      label={label}
      hideLabel
      placeholder={label}
      options={[{ id: ANY, label: `${label}: ${t.any}` }, ...options]}
      value={filters.get(name)}
      onChange={(value) => {
        filters.set({ [name]: value === ANY ? undefined : value, open: undefined });
      }}
    />
  );
}

function Tools(props: { filters: Filters; actions: readonly string[]; frames: Frames; isPaused: boolean; t: Text }) {
  const { filters, t, isPaused } = props;
  const live = useLiveState();
  const names = [...new Set([...props.actions, filters.get("action")])].filter(Boolean).sort();
  return (
    <div className={styles.tools}>
      <Choice
        {...{ filters, t }}
        name="side"
        label={t.begunBy}
        options={[
          { id: "station", label: t.station },
          { id: "central", label: t.central },
        ]}
      />
      <Choice {...{ filters, t }} name="action" label={t.action} options={names.map((id) => ({ id, label: id }))} />
      <Choice {...{ filters, t }} name="kind" label={t.kind} options={[{ id: "errors", label: t.errors }]} />
      <span className={styles.space} />
      <span className={styles.live} role="status">
        {isPaused ? t.paused : live.kind === "paused" ? t.lost : t.following}
      </span>
      <Button
        icon={isPaused ? "play" : "pause"}
        onPress={() => {
          filters.set({ paused: isPaused ? undefined : "yes" });
        }}
      >
        {isPaused ? t.follow : t.pause}
      </Button>
      <Button icon="refresh" onPress={props.frames.readNew}>
        {t.refresh}
      </Button>
    </div>
  );
}

/** Reads older frames until the one that the URL has open is there: a link may lead far down. */
function useOpened(frames: Frames, isMissing: boolean): void {
  const { hasMore, isLoadingMore, loadMore } = frames;
  const goesOn = isMissing && hasMore && frames.frames.length < MOST_READ;
  useEffect(() => {
    if (goesOn && !isLoadingMore) loadMore();
  }, [goesOn, isLoadingMore, loadMore]);
}

/** The message log of a station, in two lanes, the newest exchanges first. */
export default function MessagesTab(props: { stationId: string }): ReactNode {
  const t = useText();
  const { stationId } = props;
  const filters = useFilters();
  const isPaused = filters.get("paused") !== "";
  const frames = useFrames(stationId, clauseOf(filters), isPaused);
  const side = filters.get("side");
  const exchanges = useMemo(
    () => exchangesOf(frames.frames).filter((exchange) => isOfSide(exchange, side)),
    [frames.frames, side],
  );
  const actions = frames.frames.map((frame) => frame.action);
  const opened = filters.get("open");
  useOpened(frames, opened !== "" && !exchanges.some((exchange) => exchange.key === opened));
  return (
    <div className={styles.log}>
      <Tools {...{ filters, frames, isPaused, t }} actions={actions} />
      <Body frames={frames} count={exchanges.length} t={t}>
        <div className={styles.head} aria-hidden="true">
          <span>{t.time}</span>
          <span>{t.station}</span>
          <span />
          <span>{t.central}</span>
        </div>
        <ol className={styles.exchanges} aria-label={t.title}>
          {exchanges.map((exchange) => (
            <ExchangeRow
              key={exchange.key}
              {...{ exchange, stationId, t }}
              isOpen={opened === exchange.key}
              onToggle={() => {
                filters.set({ open: opened === exchange.key ? undefined : exchange.key });
              }}
            />
          ))}
        </ol>
      </Body>
    </div>
  );
}

function Body(props: { frames: Frames; count: number; t: Text; children: ReactNode }) {
  const { frames, t } = props;
  if (frames.error && frames.frames.length === 0) return <ErrorState error={frames.error} onRetry={frames.refetch} />;
  if (frames.isLoading && frames.frames.length === 0) return <Skeleton kind="rows" lines={8} />;
  const older = frames.hasMore && (
    <Button onPress={frames.loadMore} isPending={frames.isLoadingMore}>
      {t.older}
    </Button>
  );
  if (props.count === 0) {
    return (
      <EmptyState title={t.empty} icon="list" action={older}>
        <p>{t.emptyText}</p>
      </EmptyState>
    );
  }
  return (
    <>
      {props.children}
      <div className={styles.foot}>{older}</div>
    </>
  );
}

// The one stream of events of a browser: connects, resumes at the cursor, and says how it is. No browser API is used
// here, so that it runs in a shared worker, in a tab and in tests.
import type { LiveEvent } from "./events";

export type LiveState =
  | { kind: "connecting" }
  | { kind: "live" }
  /** The stream is lost since this time and is being opened again. */
  | { kind: "paused"; sinceMs: number }
  /** The caller has no permission to watch events, or nobody is signed in. */
  | { kind: "off" };

export type Failure =
  /** The access token is no longer good. */
  | { kind: "unauthenticated" }
  /** The cursor is older than the oldest event that is kept. */
  | { kind: "cursor_expired" }
  /** The permissions of the caller have changed: the next stream sees the new ones. */
  | { kind: "grants_changed" }
  | { kind: "forbidden" }
  | { kind: "lost"; retryAfterMs?: number };

export interface Watch {
  /** Resolves once the stream is open; events come to `onEvent`; rejects or resolves `ended` when it ends. */
  (
    afterCursor: string | undefined,
    signal: AbortSignal,
    on: { open: () => void; message: (event?: LiveEvent) => void },
  ): Promise<void>;
}

export interface StreamPorts {
  watch: Watch;
  classify: (error: unknown) => Failure;
  onEvents: (events: LiveEvent[]) => void;
  onState: (state: LiveState) => void;
  /** Events may have been missed: everything shown is to be read anew. */
  onGap: () => void;
  onGrantsChanged: () => void;
  /** Gets the next access token; false where the session has ended. */
  renew: () => Promise<boolean>;
  wait: (ms: number, signal: AbortSignal) => Promise<void>;
  now: () => number;
}

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 8_000;
/** Keepalives come every 15 s; a stream without one for this long is taken as lost. */
export const SILENCE_MS = 40_000;
const BATCH_MS = 80;
/** A stream that was open for this long and needs another token or other permissions is opened again at once, unseen. */
const SETTLED_MS = 5_000;
/** Unless the token takes longer than this. */
const UNSEEN_MS = 1_000;

/** The wait before the next try, doubled with each failure in a row. */
export function backoffMs(failures: number, random: number): number {
  return Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** failures) * (0.5 + random / 2);
}

export class EventStream {
  private cursor: string | undefined;
  private failures = 0;
  private openedMs: number | undefined;
  private state: LiveState = { kind: "connecting" };
  private batch: LiveEvent[] = [];
  private readonly stopped = new AbortController();

  constructor(
    private readonly ports: StreamPorts,
    cursor?: string,
  ) {
    this.cursor = cursor;
  }

  /** Runs until stop(), or until the caller may not watch. */
  async run(): Promise<void> {
    this.ports.onState(this.state);
    for (;;) {
      const failure = await this.watchOnce();
      if (this.stopped.signal.aborted) return;
      if (!(await this.recover(failure))) {
        this.setState({ kind: "off" });
        return;
      }
    }
  }

  stop(): void {
    this.stopped.abort();
  }

  private setState(state: LiveState): void {
    if (state.kind === this.state.kind) return;
    this.state = state;
    this.ports.onState(state);
  }

  private async watchOnce(): Promise<Failure> {
    const attempt = new AbortController();
    const stop = () => {
      attempt.abort();
    };
    this.stopped.signal.addEventListener("abort", stop);
    let heardMs = this.ports.now();
    const watchdog = setInterval(() => {
      if (this.ports.now() - heardMs > SILENCE_MS) attempt.abort();
    }, 5_000);
    const resumed = this.cursor !== undefined;
    this.openedMs = undefined;
    const open = () => {
      heardMs = this.ports.now();
      if (this.openedMs !== undefined) return;
      this.openedMs = heardMs;
      this.failures = 0;
      this.setState({ kind: "live" });
      if (!resumed) this.ports.onGap();
    };
    const message = (event?: LiveEvent) => {
      open();
      heardMs = this.ports.now();
      if (event) this.take(event);
    };
    try {
      await this.ports.watch(this.cursor, attempt.signal, { open, message });
      return { kind: "lost" };
    } catch (error) {
      return attempt.signal.aborted ? { kind: "lost" } : this.ports.classify(error);
    } finally {
      clearInterval(watchdog);
      this.stopped.signal.removeEventListener("abort", stop);
      this.flush();
    }
  }

  private take(event: LiveEvent): void {
    this.cursor = event.cursor;
    if (this.batch.push(event) === 1)
      setTimeout(() => {
        this.flush();
      }, BATCH_MS);
  }

  private flush(): void {
    if (this.batch.length === 0) return;
    const events = this.batch;
    this.batch = [];
    this.ports.onEvents(events);
  }

  private pause(): void {
    if (this.state.kind === "live") this.setState({ kind: "paused", sinceMs: this.ports.now() });
  }

  /** Whether a failure belongs to the life of a stream: it ends with its token. */
  private isUsual(failure: Failure): boolean {
    if (failure.kind !== "unauthenticated" && failure.kind !== "grants_changed") return false;
    return this.openedMs !== undefined && this.ports.now() - this.openedMs >= SETTLED_MS;
  }

  /** Does what a failure calls for; false where the stream is over. */
  private async recover(failure: Failure): Promise<boolean> {
    if (failure.kind === "forbidden") return false;
    const isUsual = this.isUsual(failure);
    if (!isUsual) this.pause();
    if (failure.kind === "cursor_expired") {
      this.cursor = undefined;
      return true;
    }
    if (failure.kind === "grants_changed") this.ports.onGrantsChanged();
    if (failure.kind === "unauthenticated" && !(await this.renew())) return false;
    if (isUsual) return true;
    const wait = failure.kind === "lost" ? failure.retryAfterMs : undefined;
    await this.ports.wait(wait ?? backoffMs(this.failures, Math.random()), this.stopped.signal);
    this.failures += 1;
    return true;
  }

  private async renew(): Promise<boolean> {
    const timer = setTimeout(() => {
      this.pause();
    }, UNSEEN_MS);
    try {
      return await this.ports.renew();
    } finally {
      clearTimeout(timer);
    }
  }
}

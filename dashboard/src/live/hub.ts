// The owner of the stream: runs it with the token that the tabs give, and passes on to them what comes.
import type { ToOwner, ToTabs } from "./messages";
import { EventStream, type LiveState } from "./stream";
import { classify, makeWatch } from "./watch";

const TOKEN_WAIT_MS = 30_000;

export class LiveHub {
  private token: string | undefined;
  private tenantId = "";
  private stream: EventStream | undefined;
  private state: LiveState = { kind: "connecting" };
  private tokenWaiters: (() => void)[] = [];

  constructor(
    private readonly baseUrl: string,
    private readonly post: (message: ToTabs) => void,
    /** Where to resume, for a tab that takes the stream over from another. */
    private readonly firstCursor?: string,
  ) {}

  /** The present state, for a tab that has just come. */
  get present(): LiveState {
    return this.state;
  }

  receive(message: ToOwner): void {
    const same = message.tenantId === this.tenantId;
    this.token = message.token;
    this.tenantId = message.tenantId;
    for (const waiter of this.tokenWaiters.splice(0)) waiter();
    if (message.token === undefined || (this.stream && !same)) this.stop();
    if (message.token !== undefined && !this.stream) this.start();
  }

  stop(): void {
    this.stream?.stop();
    this.stream = undefined;
  }

  private start(): void {
    const stream = new EventStream(
      {
        watch: makeWatch(this.baseUrl, () => this.token ?? ""),
        classify,
        onEvents: (events) => {
          this.post({ kind: "events", events });
        },
        onState: (state) => {
          this.state = state;
          this.post({ kind: "state", state });
        },
        onGap: () => {
          this.post({ kind: "gap" });
        },
        onGrantsChanged: () => {
          this.post({ kind: "grants" });
        },
        renew: () => this.renew(),
        wait,
        now: () => Date.now(),
      },
      this.firstCursor,
    );
    this.stream = stream;
    void stream.run().finally(() => {
      if (this.stream === stream) this.stream = undefined;
    });
  }

  private async renew(): Promise<boolean> {
    const stale = this.token;
    if (stale === undefined) return false;
    this.post({ kind: "need_token", stale });
    const deadline = Date.now() + TOKEN_WAIT_MS;
    while (this.token === stale && Date.now() < deadline) {
      await new Promise<void>((resolve) => {
        this.tokenWaiters.push(resolve);
        setTimeout(resolve, 1_000);
      });
    }
    return this.hasToken();
  }

  private hasToken(): boolean {
    return this.token !== undefined;
  }
}

function wait(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

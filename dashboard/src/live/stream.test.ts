import { describe, expect, it } from "vitest";

import type { LiveEvent } from "./events";
import { backoffMs, EventStream, type Failure, type LiveState, type StreamPorts, type Watch } from "./stream";

function event(cursor: string): LiveEvent {
  return {
    id: cursor,
    cursor,
    type: "station.booted",
    source: "station",
    stationId: "A",
    timeMs: 0,
    data: {},
    actor: "",
  };
}

/** One try after another: what each sends, and how it ends. */
interface Try {
  events?: string[];
  opens?: boolean;
  failure: Failure;
}

/** Runs a stream over the tries; the last one stops it. */
async function run(tries: readonly Try[], options: { cursor?: string; renewed?: boolean; openForMs?: number } = {}) {
  const seen = {
    cursors: [] as (string | undefined)[],
    states: [] as LiveState["kind"][],
    events: [] as string[],
    gaps: 0,
    grants: 0,
    waits: [] as number[],
  };
  let turn = 0;
  let nowMs = 0;
  const watch: Watch = (after, _signal, on) => {
    seen.cursors.push(after);
    const now = tries[turn];
    turn += 1;
    if (!now) {
      stream.stop();
      return Promise.resolve();
    }
    if (now.opens !== false) on.open();
    for (const cursor of now.events ?? []) on.message(event(cursor));
    nowMs += options.openForMs ?? 0;
    return Promise.reject(Object.assign(new Error("ended"), { failure: now.failure }));
  };
  const ports: StreamPorts = {
    watch,
    classify: (error) => (error as { failure: Failure }).failure,
    onEvents: (events) => seen.events.push(...events.map(({ cursor }) => cursor)),
    onState: (state) => seen.states.push(state.kind),
    onGap: () => (seen.gaps += 1),
    onGrantsChanged: () => (seen.grants += 1),
    renew: () => Promise.resolve(options.renewed ?? true),
    wait: (ms) => {
      seen.waits.push(ms);
      return Promise.resolve();
    },
    now: () => nowMs,
  };
  const stream = new EventStream(ports, options.cursor);
  await stream.run();
  return seen;
}

describe("the stream", () => {
  it("resumes at the last cursor and misses nothing", async () => {
    const seen = await run([
      { events: ["5", "9"], failure: { kind: "lost" } },
      { events: ["10"], failure: { kind: "lost" } },
    ]);
    expect(seen.cursors).toEqual([undefined, "9", "10"]);
    expect(seen.events).toEqual(["5", "9", "10"]);
    expect(seen.gaps).toBe(1); // from the rows that were shown to the begin of the stream
  });

  it("has a gap where it was lost before any event gave a cursor", async () => {
    const seen = await run([{ failure: { kind: "lost" } }, { failure: { kind: "lost" } }]);
    expect(seen.gaps).toBe(2);
  });

  it("begins anew, with everything to be read again, where the cursor has expired", async () => {
    const seen = await run([{ opens: false, failure: { kind: "cursor_expired" } }, { failure: { kind: "lost" } }], {
      cursor: "3",
    });
    expect(seen.cursors.slice(0, 2)).toEqual(["3", undefined]);
    expect(seen.gaps).toBe(1);
  });

  it("is paused while it is lost, and live again", async () => {
    const seen = await run([
      { events: ["1"], failure: { kind: "lost" } },
      { opens: false, failure: { kind: "lost" } },
      { failure: { kind: "lost" } },
    ]);
    expect(seen.states).toEqual(["connecting", "live", "paused", "live", "paused"]);
  });

  it("gets another token and goes on", async () => {
    const seen = await run([{ events: ["1"], failure: { kind: "unauthenticated" } }, { failure: { kind: "lost" } }]);
    expect(seen.cursors).toEqual([undefined, "1", "1"]);
  });

  it("gets another token unseen where it had been open: the state stays, and nothing waits", async () => {
    const expired = { failure: { kind: "unauthenticated" } } as const;
    const seen = await run(
      [{ events: ["1"], ...expired }, { events: ["2"], ...expired }, { failure: { kind: "lost" } }],
      {
        openForMs: 60_000,
      },
    );
    expect(seen.cursors.slice(0, 3)).toEqual([undefined, "1", "2"]);
    expect(seen.states).toEqual(["connecting", "live", "paused"]);
    expect(seen.waits).toHaveLength(1);
    expect(seen.gaps).toBe(1);
  });

  it("has a gap where its token ended before any event gave a cursor", async () => {
    const expired = { failure: { kind: "unauthenticated" } } as const;
    const seen = await run([expired, { failure: { kind: "lost" } }], { openForMs: 60_000 });
    expect(seen.gaps).toBe(2);
  });

  it("is paused where the next token is refused as well", async () => {
    const expired = { failure: { kind: "unauthenticated" } } as const;
    const seen = await run([expired, { opens: false, ...expired }, { failure: { kind: "lost" } }], {
      openForMs: 60_000,
    });
    expect(seen.states).toEqual(["connecting", "live", "paused", "live", "paused"]);
    expect(seen.waits).toHaveLength(2);
  });

  it("ends where nobody is signed in any more, or the caller may not watch", async () => {
    const out = await run([{ failure: { kind: "unauthenticated" } }], { renewed: false });
    expect(out.states.at(-1)).toBe("off");
    const forbidden = await run([{ opens: false, failure: { kind: "forbidden" } }]);
    expect(forbidden.states).toEqual(["connecting", "off"]);
    expect(forbidden.cursors).toHaveLength(1);
  });

  it("says that permissions have changed, and watches again", async () => {
    const seen = await run([{ events: ["2"], failure: { kind: "grants_changed" } }, { failure: { kind: "lost" } }]);
    expect(seen.grants).toBe(1);
    expect(seen.cursors[1]).toBe("2");
  });

  it("waits as long as the server asks", async () => {
    const seen = await run([
      { opens: false, failure: { kind: "lost", retryAfterMs: 7_000 } },
      { failure: { kind: "lost" } },
    ]);
    expect(seen.waits[0]).toBe(7_000);
  });

  it("waits longer with each failure, never longer than 8 s, and never without a spread", () => {
    expect(backoffMs(0, 1)).toBe(500);
    expect(backoffMs(3, 1)).toBe(4_000);
    expect(backoffMs(30, 1)).toBe(8_000);
    expect(backoffMs(3, 0)).toBe(2_000);
  });
});

import { describe, expect, it } from "vitest";

import type { LiveEvent } from "./events";
import type { ToTabs } from "./messages";
import type { LiveState } from "./stream";
import { TabGroup, type Broadcast } from "./tab_group";

class FakeOwner {
  present: LiveState = { kind: "connecting" };
  stopped = false;
  constructor(
    readonly post: (message: ToTabs) => void,
    readonly cursor: string | undefined,
  ) {}
  receive = () => {
    this.post({ kind: "state", state: this.present });
  };
  become(state: LiveState) {
    this.present = state;
    this.post({ kind: "state", state });
  }
  stop = () => {
    this.stopped = true;
  };
}

interface Tab {
  group: TabGroup;
  owners: FakeOwner[];
  got: ToTabs[];
  /** Messages that have not been delivered to it: a tab that is being loaded reads none. */
  inbox: Broadcast[];
  busy: boolean;
}

/** Tabs of one browser; a busy one neither ticks nor hears. */
function makeBrowser(count: number) {
  let nowMs = 0;
  const tabs: Tab[] = [];
  const open = () => {
    const tab: Tab = { group: undefined as never, owners: [], got: [], inbox: [], busy: false };
    tab.group = new TabGroup(`tab${String(tabs.length)}`, {
      say: (message) => {
        for (const other of tabs) if (other !== tab) other.inbox.push(message);
      },
      receive: (message) => tab.got.push(message),
      makeOwner: (post, cursor) => {
        const owner = new FakeOwner(post, cursor);
        tab.owners.push(owner);
        return owner;
      },
      now: () => nowMs,
    });
    tabs.push(tab);
    tab.group.send({ kind: "token", token: "a", tenantId: "t" });
    return tab;
  };
  const deliver = () => {
    for (let open = true; open;) {
      open = false;
      for (const tab of tabs) {
        if (tab.busy) continue;
        const message = tab.inbox.shift();
        if (message) tab.group.hear(message);
        open ||= message !== undefined;
      }
    }
  };
  const pass = (ms: number) => {
    for (let step = 0; step < ms; step += 1_000) {
      nowMs += 1_000;
      for (const tab of tabs) if (!tab.busy) tab.group.tick();
      deliver();
    }
  };
  const close = (tab: Tab) => {
    tab.group.leave();
    tab.busy = true;
    deliver();
  };
  for (let index = 0; index < count; index += 1) open();
  return { tabs, pass, deliver, open, close };
}

const stateOf = (tab: Tab) => tab.got.findLast((message) => message.kind === "state")?.state.kind;
const owning = (tabs: readonly Tab[]) => tabs.flatMap(({ owners }) => owners.filter(({ stopped }) => !stopped));

const leaderOf = (tabs: readonly Tab[]) => tabs.find(({ owners }) => owners.some(({ stopped }) => !stopped));

function event(cursor: string): LiveEvent {
  return { id: cursor, cursor, type: "station.booted", source: "", stationId: "A", timeMs: 0, data: {}, actor: "" };
}

describe("tabs that share a stream without a shared worker", () => {
  it("all have the state that its owner has", () => {
    const { tabs, pass, deliver } = makeBrowser(8);
    pass(5_000);
    expect(owning(tabs)).toHaveLength(1);
    owning(tabs)[0]?.become({ kind: "live" });
    deliver();
    expect(tabs.map(stateOf)).toEqual(Array(8).fill("live"));
  });

  it("keep the state of the owner that stays where another one began and gave up", () => {
    const { tabs, pass, open } = makeBrowser(2);
    pass(5_000);
    owning(tabs)[0]?.become({ kind: "live" });
    pass(1_000);
    // The owner is busy: a new tab gets no answer, leads, and says that it connects.
    const leader = leaderOf(tabs);
    if (leader) leader.busy = true;
    const third = open();
    pass(4_000);
    expect(third.owners).toHaveLength(1);
    if (leader) leader.busy = false;
    pass(3_000);
    expect(owning(tabs)).toHaveLength(1);
    const present = owning(tabs)[0]?.present.kind;
    expect(tabs.map(stateOf)).toEqual([present, present, present]);
  });

  it("go on at the cursor when the owner is closed", () => {
    const { tabs, pass, deliver, close } = makeBrowser(3);
    pass(5_000);
    const leader = leaderOf(tabs);
    leader?.owners.at(-1)?.post({ kind: "events", events: [event("7")] });
    deliver();
    if (leader) close(leader);
    const rest = tabs.filter((tab) => tab !== leader);
    pass(4_000);
    expect(owning(tabs)).toHaveLength(1);
    expect(owning(rest)[0]?.cursor).toBe("7");
  });

  it("do not take the cursor of another tenant", () => {
    const { tabs, pass, deliver, close } = makeBrowser(2);
    pass(5_000);
    const leader = leaderOf(tabs);
    leader?.owners.at(-1)?.post({ kind: "events", events: [event("7")] });
    deliver();
    for (const tab of tabs) tab.group.send({ kind: "token", token: "b", tenantId: "u" });
    if (leader) close(leader);
    pass(4_000);
    expect(owning(tabs)[0]?.cursor).toBeUndefined();
  });
});

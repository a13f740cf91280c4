import { describe, expect, it } from "vitest";

import { Election, QUIET_MS, type Ballot } from "./election";

/** Tabs that hear each other at once, with a clock of their own. */
function makeTabs(count: number) {
  let nowMs = 0;
  const closed = new Set<string>();
  const leaders = new Set<string>();
  const tabs: Election[] = [];
  for (let index = 0; index < count; index += 1) {
    const id = `tab${String(index)}`;
    tabs.push(
      new Election(id, {
        send: (ballot: Ballot) => {
          for (const tab of tabs) if (tab.id !== id && !closed.has(tab.id)) tab.receive(ballot);
        },
        onLead: () => leaders.add(id),
        onFollow: () => leaders.delete(id),
        now: () => nowMs,
      }),
    );
  }
  const pass = (ms: number) => {
    for (let step = 0; step < ms; step += 1_000) {
      nowMs += 1_000;
      for (const tab of tabs) if (!closed.has(tab.id)) tab.tick();
    }
  };
  const close = (id: string, orderly: boolean) => {
    const tab = tabs.find((one) => one.id === id);
    if (orderly) tab?.leave();
    closed.add(id);
    leaders.delete(id);
  };
  return { tabs, leaders, pass, close };
}

describe("tabs without shared workers", () => {
  it("have one leader among eight", () => {
    const { leaders, pass, tabs } = makeTabs(8);
    for (const tab of tabs) tab.tick();
    pass(5_000);
    expect(leaders.size).toBe(1);
    pass(60_000);
    expect(leaders.size).toBe(1);
  });

  it("have another one soon after the leader has left", () => {
    const { leaders, pass, close } = makeTabs(3);
    pass(5_000);
    const [first] = leaders;
    close(first ?? "", true);
    pass(3_000);
    expect(leaders.size).toBe(1);
    expect(leaders.has(first ?? "")).toBe(false);
  });

  it("have another one after the leader was killed", () => {
    const { leaders, pass, close } = makeTabs(3);
    pass(5_000);
    close([...leaders][0] ?? "", false);
    pass(QUIET_MS + 3_000);
    expect(leaders.size).toBe(1);
  });

  it("ask a leader whose timers are slow before one takes over", () => {
    let nowMs = 0;
    const answers: Ballot[] = [];
    const slow = new Election("a", {
      send: (ballot) => answers.push(ballot),
      onLead: () => undefined,
      onFollow: () => undefined,
      now: () => nowMs,
    });
    slow.tick();
    nowMs += 2_000;
    slow.tick();
    expect(slow.isLeader).toBe(true);
    answers.length = 0;
    slow.receive({ kind: "who", from: "b" });
    expect(answers).toEqual([{ kind: "lead", from: "a", term: 1 }]);
  });
});

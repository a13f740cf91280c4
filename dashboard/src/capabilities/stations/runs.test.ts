import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";

import { Runs, type Run } from "./runs";

const TWELVE = Array.from({ length: 12 }, (_, index) => ({ stationId: `CP${String(index)}`, displayName: "" }));

function finished(runs: Runs, id: string): Promise<Run> {
  return new Promise((resolve) => {
    const look = () => {
      const run = runs.get(id);
      if (run?.answers.every(({ state }) => state === "done" || state === "failed")) resolve(run);
    };
    runs.subscribe(look);
    look();
  });
}

/** Calls of which those to some stations fail. */
function callsFailingAt(failing: Set<string>) {
  const called: string[] = [];
  const call = (stationId: string) => {
    called.push(stationId);
    return failing.has(stationId)
      ? Promise.reject(new ConnectError(`${stationId} is not connected`, Code.Unavailable))
      : Promise.resolve();
  };
  return { called, calls: { accept: call, reconnect: call } };
}

describe("a run over many stations", () => {
  it("keeps the answer of each station, with the error of those that failed", async () => {
    const runs = new Runs(callsFailingAt(new Set(["CP3"])).calls, 0);
    const run = await finished(runs, runs.begin("reconnect", TWELVE));
    expect(run.answers.map(({ stationId }) => stationId)).toEqual(TWELVE.map(({ stationId }) => stationId));
    expect(run.answers.filter(({ state }) => state === "failed")).toMatchObject([
      { stationId: "CP3", message: "CP3 is not connected" },
    ]);
  });

  it("makes again only the calls that failed", async () => {
    const failing = new Set(["CP3", "CP7"]);
    const { called, calls } = callsFailingAt(failing);
    const runs = new Runs(calls, 0);
    const id = runs.begin("accept", TWELVE);
    await finished(runs, id);
    called.length = 0;
    failing.delete("CP7");
    await runs.retry(id);
    expect(called).toEqual(["CP3", "CP7"]);
    expect(runs.get(id)?.answers.filter(({ state }) => state === "failed")).toHaveLength(1);
  });

  it("is forgotten once twenty later ones have begun", () => {
    const runs = new Runs(callsFailingAt(new Set()).calls, 0);
    const ids = Array.from({ length: 21 }, () => runs.begin("accept", TWELVE.slice(0, 1)));
    expect(runs.get(ids[0] ?? "")).toBeUndefined();
    expect(runs.get(ids[1] ?? "")).toBeDefined();
  });
});

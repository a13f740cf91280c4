import { QueryClient, QueryObserver } from "@tanstack/react-query";
import { describe, expect, it } from "vitest";

import { readAnew } from "./queries";

/** A query that is shown, whose reads end when the test says so: with the value that they found when they began. */
function makeShown() {
  const client = new QueryClient();
  const reads: (() => void)[] = [];
  let value = "before";
  const observer = new QueryObserver(client, {
    queryKey: ["thing"],
    queryFn: () => {
      const found = value;
      return new Promise<string>((resolve) => {
        reads.push(() => {
          resolve(found);
        });
      });
    },
    staleTime: Infinity,
  });
  const stop = observer.subscribe(() => undefined);
  const change = () => {
    value = "after";
  };
  const end = async (index: number) => {
    reads[index]?.();
    await new Promise((resolve) => setTimeout(resolve));
  };
  return { client, reads, change, end, stop, shown: () => client.getQueryData(["thing"]) };
}

describe("reading anew", () => {
  it("does not leave the answer of a first read that began before the change", async () => {
    const { client, reads, change, end, stop, shown } = makeShown();
    change();
    const done = readAnew(client, ["thing"]);
    await end(0);
    expect(shown()).toBe("before");
    expect(reads).toHaveLength(2);
    await end(1);
    await done;
    expect(shown()).toBe("after");
    stop();
  });

  it("gives up a later read that began before the change", async () => {
    const { client, reads, change, end, stop, shown } = makeShown();
    await end(0);
    void readAnew(client);
    change();
    const done = readAnew(client);
    expect(reads).toHaveLength(3);
    await end(2);
    await end(1);
    await done;
    expect(shown()).toBe("after");
    stop();
  });
});

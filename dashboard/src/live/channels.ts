// The way from a tab to the owner of the stream: a shared worker, or a tab elected over a BroadcastChannel.
import { Election, type Ballot } from "./election";
import { LiveHub } from "./hub";
import type { ToOwner, ToTabs } from "./messages";

export interface LiveChannel {
  send: (message: ToOwner) => void;
}

type Receive = (message: ToTabs) => void;

export function openChannel(receive: Receive): LiveChannel {
  return "SharedWorker" in globalThis ? workerChannel(receive) : broadcastChannel(receive);
}

function workerChannel(receive: Receive): LiveChannel {
  const worker = new SharedWorker(new URL("./shared_worker.ts", import.meta.url), {
    type: "module",
    name: "csms-live",
  });
  worker.port.onmessage = (event: MessageEvent<ToTabs>) => {
    receive(event.data);
  };
  worker.port.start();
  globalThis.addEventListener("pagehide", (event) => {
    if (!event.persisted) worker.port.postMessage({ kind: "bye" });
  });
  return {
    send: (message) => {
      worker.port.postMessage(message);
    },
  };
}

type Broadcast = { ballot: Ballot } | { toTabs: ToTabs };

function broadcastChannel(receive: Receive): LiveChannel {
  const channel = new BroadcastChannel("csms-live");
  const say = (message: Broadcast) => {
    channel.postMessage(message);
  };
  let hub: LiveHub | undefined;
  let latest: ToOwner | undefined;
  let cursor: string | undefined;
  const pass = (message: ToTabs) => {
    if (message.kind === "events") cursor = message.events.at(-1)?.cursor ?? cursor;
    receive(message);
  };
  const election = new Election(crypto.getRandomValues(new Uint32Array(2)).join("-"), {
    send: (ballot) => {
      say({ ballot });
    },
    onLead: () => {
      const toAll = (message: ToTabs) => {
        say({ toTabs: message });
        pass(message);
      };
      hub = new LiveHub(globalThis.location.origin, toAll, cursor);
      if (latest) hub.receive(latest);
    },
    onFollow: () => {
      hub?.stop();
      hub = undefined;
    },
    now: () => Date.now(),
  });
  channel.onmessage = (event: MessageEvent<Broadcast>) => {
    if ("ballot" in event.data) {
      election.receive(event.data.ballot);
      if (hub && event.data.ballot.kind === "who") say({ toTabs: { kind: "state", state: hub.present } });
    } else {
      pass(event.data.toTabs);
    }
  };
  setInterval(() => {
    election.tick();
  }, 1_000);
  election.tick();
  globalThis.addEventListener("pagehide", () => {
    election.leave();
    hub?.stop();
    hub = undefined;
  });
  return {
    // The tokens of all tabs are the same, by localStorage: each tab has the latest for when it leads.
    send: (message) => {
      latest = message;
      hub?.receive(message);
    },
  };
}

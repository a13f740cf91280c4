// The way from a tab to the owner of the stream: a shared worker, or a tab elected over a BroadcastChannel.
import { LiveHub } from "./hub";
import type { ToOwner, ToTabs } from "./messages";
import { TabGroup, type Broadcast } from "./tab_group";

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

function broadcastChannel(receive: Receive): LiveChannel {
  const channel = new BroadcastChannel("csms-live");
  const group = new TabGroup(crypto.getRandomValues(new Uint32Array(2)).join("-"), {
    say: (message) => {
      channel.postMessage(message);
    },
    receive,
    makeOwner: (post, cursor) => new LiveHub(globalThis.location.origin, post, cursor),
    now: () => Date.now(),
  });
  channel.onmessage = (event: MessageEvent<Broadcast>) => {
    group.hear(event.data);
  };
  setInterval(() => {
    group.tick();
  }, 1_000);
  group.tick();
  globalThis.addEventListener("pagehide", () => {
    group.leave();
  });
  return {
    send: (message) => {
      group.send(message);
    },
  };
}

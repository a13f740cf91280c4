// The shared worker that holds the one stream for all tabs. It lives as long as any of them.
import { LiveHub } from "./hub";
import type { ToOwner, ToTabs } from "./messages";

// Its own type is in the library `webworker`, which cannot be loaded beside that of pages.
const worker = globalThis as unknown as { onconnect: (event: MessageEvent) => void; location: Location };

const ports = new Set<MessagePort>();

function post(message: ToTabs): void {
  for (const port of ports) port.postMessage(message);
}

const hub = new LiveHub(worker.location.origin, post);

worker.onconnect = (connection) => {
  const [port] = connection.ports;
  if (!port) return;
  ports.add(port);
  port.onmessage = (event: MessageEvent<ToOwner | { kind: "bye" }>) => {
    if (event.data.kind === "bye") {
      ports.delete(port);
      return;
    }
    hub.receive(event.data);
  };
  port.postMessage({ kind: "state", state: hub.present } satisfies ToTabs);
};

// The live stream as a tab sees it: its state, and its events for those who listen.
import { currentSession, onSessionChange, refreshSession } from "../api/session";
import { openChannel, type LiveChannel } from "./channels";
import { matches, type LiveEvent, type LiveFilter } from "./events";
import type { ToTabs } from "./messages";
import type { LiveState } from "./stream";

export type Handler = (events: LiveEvent[]) => void;

interface Listener {
  filter: LiveFilter;
  handler: Handler;
}

let state: LiveState = { kind: "connecting" };
let channel: LiveChannel | undefined;
const stateListeners = new Set<() => void>();
const listeners = new Set<Listener>();
const gapListeners = new Set<() => void>();
const grantListeners = new Set<() => void>();

export function liveState(): LiveState {
  return state;
}

export function onLiveState(listener: () => void): () => void {
  stateListeners.add(listener);
  return () => {
    stateListeners.delete(listener);
  };
}

/** Calls the handler with the events that the filter lets through, in order, some at a time. */
export function onLiveEvents(filter: LiveFilter, handler: Handler): () => void {
  const listener = { filter, handler };
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
  };
}

/** Calls the listener where events may have been missed. */
export function onLiveGap(listener: () => void): () => void {
  gapListeners.add(listener);
  return () => {
    gapListeners.delete(listener);
  };
}

/** Calls the listener when the caller's permissions have changed. */
export function onGrantsChanged(listener: () => void): () => void {
  grantListeners.add(listener);
  return () => {
    grantListeners.delete(listener);
  };
}

function sendToken(): void {
  const session = currentSession();
  channel?.send({ kind: "token", token: session?.accessToken, tenantId: session?.tenantId ?? "" });
}

async function renewToken(stale: string): Promise<void> {
  const session = currentSession();
  if (session?.accessToken === stale) await refreshSession(session).catch(() => undefined);
  sendToken();
}

function receive(message: ToTabs): void {
  switch (message.kind) {
    case "state":
      state = message.state;
      for (const listener of stateListeners) listener();
      return;
    case "events":
      for (const { filter, handler } of listeners) {
        const wanted = message.events.filter((event) => matches(filter, event));
        if (wanted.length > 0) handler(wanted);
      }
      return;
    case "gap":
      for (const listener of gapListeners) listener();
      return;
    case "grants":
      for (const listener of grantListeners) listener();
      return;
    case "need_token":
      void renewToken(message.stale);
  }
}

/** Joins the stream of this browser; once, at the start. */
export function startLive(): void {
  if (channel) return;
  channel = openChannel(receive);
  sendToken();
  onSessionChange(sendToken);
}

// Messages that tabs and the owner of the stream (a shared worker, or one of the tabs) exchange.
import type { LiveEvent } from "./events";
import type { LiveState } from "./stream";

export type ToOwner =
  /** The access token of the session; undefined after a sign-out. Also the first message of a tab. */
  { kind: "token"; token: string | undefined; tenantId: string };

export type ToTabs =
  | { kind: "state"; state: LiveState }
  | { kind: "events"; events: LiveEvent[] }
  | { kind: "gap" }
  | { kind: "grants" }
  /** The owner needs another token than this one. */
  | { kind: "need_token"; stale: string };

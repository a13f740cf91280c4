// The tabs of a browser without shared workers: one of them, elected, owns the stream and passes on what comes. No
// browser API is used here, so that tests can have many tabs.
import { Election, type Ballot } from "./election";
import type { ToOwner, ToTabs } from "./messages";
import type { LiveState } from "./stream";

/** A message from tab to tab. A leader says the state of the stream each time that it says that it leads. */
export type Broadcast = { ballot: Ballot; state?: LiveState } | { toTabs: ToTabs };

/** The owner of a stream: LiveHub. */
export interface Owner {
  readonly present: LiveState;
  receive: (message: ToOwner) => void;
  stop: () => void;
}

export interface TabPorts {
  /** Sends to all other tabs. */
  say: (message: Broadcast) => void;
  /** Gives to this tab. */
  receive: (message: ToTabs) => void;
  makeOwner: (post: (message: ToTabs) => void, cursor: string | undefined) => Owner;
  now: () => number;
}

export class TabGroup {
  private owner: Owner | undefined;
  private latest: ToOwner | undefined;
  private cursor: string | undefined;
  private readonly election: Election;

  constructor(
    id: string,
    private readonly ports: TabPorts,
  ) {
    this.election = new Election(id, {
      send: (ballot) => {
        this.say(ballot);
      },
      onLead: () => {
        this.own();
      },
      onFollow: () => {
        this.disown();
      },
      now: ports.now,
    });
  }

  /** To be called every second, and once at the start. */
  tick(): void {
    this.election.tick();
  }

  leave(): void {
    this.election.leave();
    this.disown();
  }

  /** The tokens of all tabs are the same, by localStorage: each tab has the latest for when it leads. */
  send(message: ToOwner): void {
    // A cursor is a place in the stream of one tenant.
    if (this.latest && this.latest.tenantId !== message.tenantId) this.cursor = undefined;
    this.latest = message;
    this.owner?.receive(message);
  }

  hear(message: Broadcast): void {
    if ("toTabs" in message) {
      this.pass(message.toTabs);
      return;
    }
    this.election.receive(message.ballot);
    // Two tabs may both have led for a moment. The one that gave up has told of a stream that is no more, so that only
    // the state that the present leader says counts.
    const { ballot, state } = message;
    if (state && ballot.kind === "lead" && ballot.from === this.election.leader) {
      this.ports.receive({ kind: "state", state });
    }
  }

  private say(ballot: Ballot): void {
    this.ports.say({ ballot, ...(this.owner && ballot.kind === "lead" ? { state: this.owner.present } : {}) });
  }

  private own(): void {
    this.owner = this.ports.makeOwner((message) => {
      this.pass(message);
      if (message.kind === "state") this.election.confirm();
      else this.ports.say({ toTabs: message });
    }, this.cursor);
    if (this.latest) this.owner.receive(this.latest);
  }

  private disown(): void {
    this.owner?.stop();
    this.owner = undefined;
  }

  private pass(message: ToTabs): void {
    if (message.kind === "events") this.cursor = message.events.at(-1)?.cursor ?? this.cursor;
    this.ports.receive(message);
  }
}

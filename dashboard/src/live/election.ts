// The election of the tab that holds the stream where there are no shared workers. The leader answers at once when
// asked, since timers of hidden tabs are slowed down and messages are not. A new leader has a higher term; the one
// before it steps down.

export type Ballot =
  { kind: "who"; from: string } | { kind: "lead"; from: string; term: number } | { kind: "gone"; from: string };

export interface ElectionPorts {
  send: (ballot: Ballot) => void;
  onLead: () => void;
  onFollow: () => void;
  now: () => number;
}

export const QUIET_MS = 10_000;
// A tab that is being loaded or drawn does not answer before it is done.
const ANSWER_MS = 1_500;

export class Election {
  private term = 0;
  private leading = false;
  private heardMs = -Infinity;
  private askedMs: number | undefined;
  private followed: string | undefined;

  constructor(
    readonly id: string,
    private readonly ports: ElectionPorts,
  ) {}

  get isLeader(): boolean {
    return this.leading;
  }

  /** The tab that leads, as far as this one knows. */
  get leader(): string | undefined {
    return this.leading ? this.id : this.followed;
  }

  /** Says once more that this tab leads. */
  confirm(): void {
    if (this.leading) this.ports.send({ kind: "lead", from: this.id, term: this.term });
  }

  /** To be called every second, and once at the start. */
  tick(): void {
    const now = this.ports.now();
    if (this.leading) {
      this.confirm();
    } else if (this.askedMs === undefined) {
      if (now - this.heardMs > QUIET_MS) this.ask(now);
    } else if (now - this.askedMs >= ANSWER_MS) {
      this.lead();
    }
  }

  receive(ballot: Ballot): void {
    if (ballot.from === this.id) return;
    if (ballot.kind === "who") {
      this.confirm();
      return;
    }
    if (ballot.kind === "gone") {
      if (this.leading || ballot.from !== this.followed) return;
      this.followed = undefined;
      this.ask(this.ports.now());
      return;
    }
    // Of two leaders of one term the one with the smaller id stays.
    const rival = this.leader;
    const older = ballot.term < this.term || (ballot.term === this.term && rival !== undefined && ballot.from > rival);
    if (older && this.isLed()) return;
    this.term = Math.max(this.term, ballot.term);
    this.followed = ballot.from;
    this.heardMs = this.ports.now();
    this.askedMs = undefined;
    if (this.leading) {
      this.leading = false;
      this.ports.onFollow();
    }
  }

  leave(): void {
    // First, so that it does not answer those who ask once they know.
    const led = this.leading;
    this.leading = false;
    if (led) this.ports.send({ kind: "gone", from: this.id });
  }

  /** Whether this tab leads, or has heard its leader lately. */
  private isLed(): boolean {
    return this.leading || (this.followed !== undefined && this.ports.now() - this.heardMs <= QUIET_MS);
  }

  private ask(now: number): void {
    this.askedMs = now;
    this.ports.send({ kind: "who", from: this.id });
  }

  private lead(): void {
    this.askedMs = undefined;
    this.term += 1;
    this.leading = true;
    this.followed = undefined;
    this.ports.send({ kind: "lead", from: this.id, term: this.term });
    this.ports.onLead();
  }
}

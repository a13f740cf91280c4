// Calls that are made station by station, for actions that no rollout has; each station's own answer is kept for a page.
import { readError } from "../../api/errors";
import type { Station } from "../../stubs/csms/station/v1/station_pb";

export type RunAction = "accept" | "reconnect";
export type AnswerState = "waiting" | "running" | "done" | "failed";

export interface Answer {
  stationId: string;
  name: string;
  state: AnswerState;
  /** The error for which it failed. */
  message: string;
  /** Identifies the call in the logs of the mesh. */
  requestId: string;
}

export interface Run {
  id: string;
  action: RunAction;
  answers: readonly Answer[];
}

export type Call = (stationId: string) => Promise<unknown>;

const PARALLEL = 4;
/** Runs that a window keeps: older ones are forgotten. */
const MOST_RUNS = 20;
/** Answers are shown in lots, so that ten thousand of them do not draw the page ten thousand times. */
const LOT_MS = 150;

/** The runs of this window. */
export class Runs {
  private readonly runs = new Map<string, Run>();
  private readonly listeners = new Set<() => void>();
  private begun = 0;

  constructor(
    private readonly calls: Readonly<Record<RunAction, Call>>,
    private readonly lotMs = LOT_MS,
  ) {}

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => {
      this.listeners.delete(listener);
    };
  };

  get(id: string): Run | undefined {
    return this.runs.get(id);
  }

  /** Begins the calls and returns the id of the run. */
  begin(action: RunAction, chosen: readonly Pick<Station, "stationId" | "displayName">[]): string {
    this.begun += 1;
    const id = String(this.begun);
    const answers = chosen.map(({ stationId, displayName }) => waiting(stationId, displayName || stationId));
    this.keep({ id, action, answers });
    void this.call(id, action, answers);
    return id;
  }

  /** Makes the failed calls of a run again. */
  async retry(id: string): Promise<void> {
    const run = this.runs.get(id);
    if (!run) return;
    const failed = run.answers.filter((answer) => answer.state === "failed");
    await this.call(
      id,
      run.action,
      failed.map(({ stationId, name }) => waiting(stationId, name)),
    );
  }

  private async call(id: string, action: RunAction, answers: readonly Answer[]): Promise<void> {
    const changed = new Map(answers.map((answer) => [answer.stationId, answer]));
    let timer: ReturnType<typeof setTimeout> | undefined;
    const show = () => {
      clearTimeout(timer);
      timer = undefined;
      const run = this.runs.get(id);
      if (run) this.keep({ ...run, answers: run.answers.map((one) => changed.get(one.stationId) ?? one) });
    };
    const set = (answer: Answer) => {
      changed.set(answer.stationId, answer);
      timer ??= setTimeout(show, this.lotMs);
    };
    show();
    const queue = [...answers];
    const work = async () => {
      for (let one = queue.shift(); one; one = queue.shift()) {
        set({ ...one, state: "running" });
        set(await this.answerOf(action, one));
      }
    };
    await Promise.all(Array.from({ length: PARALLEL }, work));
    show();
  }

  private async answerOf(action: RunAction, answer: Answer): Promise<Answer> {
    try {
      await this.calls[action](answer.stationId);
      return { ...answer, state: "done" };
    } catch (error) {
      const { message, requestId } = readError(error);
      return { ...answer, state: "failed", message, requestId: requestId ?? "" };
    }
  }

  private keep(run: Run): void {
    this.runs.set(run.id, run);
    for (const oldest of this.runs.keys()) {
      if (this.runs.size <= MOST_RUNS) break;
      this.runs.delete(oldest);
    }
    for (const listener of this.listeners) listener();
  }
}

function waiting(stationId: string, name: string): Answer {
  return { stationId, name, state: "waiting", message: "", requestId: "" };
}

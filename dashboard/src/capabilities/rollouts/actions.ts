import type { ResourceMethod } from "../../resources";
import { RolloutService, RolloutState, type Rollout } from "../../stubs/csms/station/v1/rollout_service_pb";
import { nameOf } from "./columns";
import type { Text } from "./text";

const { method } = RolloutService;
const UNFINISHED = new Set([RolloutState.SCHEDULED, RolloutState.RUNNING, RolloutState.PAUSED]);

function idOf(row: Rollout) {
  return { rolloutId: row.rolloutId };
}

export function rolloutActions(t: Text): ResourceMethod<Rollout>[] {
  return [
    {
      method: method.pauseRollout,
      label: t.pause,
      icon: "pause",
      fixed: idOf,
      isOffered: ({ state }) => state === RolloutState.RUNNING || state === RolloutState.SCHEDULED,
    },
    {
      method: method.resumeRollout,
      label: t.resume,
      icon: "play",
      fixed: idOf,
      isOffered: ({ state }) => state === RolloutState.PAUSED,
    },
    {
      method: method.retryRollout,
      label: t.retry,
      icon: "refresh",
      fixed: idOf,
      isOffered: ({ state, progress }) => !UNFINISHED.has(state) && (progress?.failed ?? 0) > 0,
    },
    {
      method: method.stopRollout,
      label: t.stop,
      icon: "stop",
      danger: true,
      fixed: idOf,
      isOffered: ({ state }) => UNFINISHED.has(state),
      confirm: (row) => ({ title: `${t.stop}: ${nameOf(row, t)}`, text: t.stopText }),
    },
  ];
}

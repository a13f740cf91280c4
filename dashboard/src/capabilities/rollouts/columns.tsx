import type { Formats } from "../../formats";
import { methodLabel, valueLabel } from "../../forms";
import { enumColumn, textColumn, timeColumn } from "../../resources";
import { stationHref } from "../../resources/hrefs";
import {
  RolloutState,
  RolloutStateSchema,
  RolloutTargetState,
  RolloutTargetStateSchema,
  type Rollout,
  type RolloutProgress,
  type RolloutTarget,
} from "../../stubs/csms/station/v1/rollout_service_pb";
import type { Column } from "../../tables";
import { Link, type Tone } from "../../ui";
import type { Text } from "./text";

export const STATE_TONES: Readonly<Record<number, Tone>> = {
  [RolloutState.RUNNING]: "accent",
  [RolloutState.PAUSED]: "warning",
  [RolloutState.STOPPED]: "bad",
  [RolloutState.DONE]: "good",
};

const TARGET_TONES: Readonly<Record<number, Tone>> = {
  [RolloutTargetState.RUNNING]: "accent",
  [RolloutTargetState.SUCCEEDED]: "good",
  [RolloutTargetState.FAILED]: "bad",
};

export function rolloutHref(rollout: { rolloutId: string }): string {
  return `/rollouts/${encodeURIComponent(rollout.rolloutId)}`;
}

/** The work of a rollout in words: settings, firmware, or the name of the command. */
export function workOf(rollout: Rollout, t: Text): string {
  const { work } = rollout;
  if (work.case === "variables") return t.variables;
  if (work.case === "firmware") return t.firmware;
  const command = work.case === "command" ? work.value.command.case : undefined;
  return command ? methodLabel(command.charAt(0).toUpperCase() + command.slice(1)) : t.command;
}

export function nameOf(rollout: Rollout, t: Text): string {
  return rollout.displayName || `${workOf(rollout, t)} ${rollout.rolloutId}`;
}

/** Stations that a rollout has done with, whichever way it went. */
export function finished(progress: RolloutProgress | undefined): number {
  if (!progress) return 0;
  return progress.succeeded + progress.failed + progress.skipped + progress.cancelled;
}

export function rolloutColumns(t: Text, formats: Formats): Column<Rollout>[] {
  return [
    enumColumn("state", t.state, RolloutStateSchema, (row) => row.state, STATE_TONES),
    {
      id: "name",
      label: t.name,
      width: "minmax(180px, 1.6fr)",
      card: "head",
      sortBy: (row) => nameOf(row, t),
      cell: (row) => <Link href={rolloutHref(row)}>{nameOf(row, t)}</Link>,
    },
    textColumn("work", t.work, (row) => workOf(row, t)),
    {
      id: "progress",
      label: t.progress,
      align: "end",
      width: "120px",
      sortBy: (row) => finished(row.progress),
      cell: (row) => t.counts(formats.number(finished(row.progress)), formats.number(row.progress?.total ?? 0)),
    },
    {
      id: "failed",
      label: t.failed,
      align: "end",
      width: "130px",
      sortBy: (row) => row.progress?.failed ?? 0,
      cell: (row) => formats.number(row.progress?.failed ?? 0),
    },
    textColumn("filter", t.filter, (row) => row.filter, { optional: true }),
    textColumn("by", t.by, (row) => row.username),
    timeColumn("added", t.added, (row) => row.createTime),
    timeColumn("ended", t.ended, (row) => row.endTime, { optional: true }),
  ];
}

export function targetColumns(t: Text): Column<RolloutTarget>[] {
  return [
    enumColumn("state", t.state, RolloutTargetStateSchema, (row) => row.state, TARGET_TONES),
    {
      id: "station",
      label: t.station,
      card: "head",
      sortBy: (row) => row.stationId,
      cell: (row) => <Link href={stationHref(row.stationId)}>{row.stationId}</Link>,
    },
    {
      id: "answer",
      label: t.answer,
      sortBy: (row) => row.answerStatus || undefined,
      cell: (row) =>
        [row.answerStatus && valueLabel(row.answerStatus), row.answerReason, row.rebootRequired ? t.reboot : ""]
          .filter(Boolean)
          .join(" · "),
    },
    textColumn("error", t.error, (row) => row.error?.message, { width: "minmax(200px, 2fr)" }),
    timeColumn("began", t.began, (row) => row.startTime),
    timeColumn("done", t.done, (row) => row.endTime),
  ];
}

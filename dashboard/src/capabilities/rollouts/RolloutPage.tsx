import { useMutation, useQuery } from "@connectrpc/connect-query";
import { useQueryClient } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";

import { invalidate } from "../../api/queries";
import { readError } from "../../api/errors";
import { usePermissions } from "../../api/permissions";
import { Time, useFormats } from "../../formats";
import { enumLabel, MessageView } from "../../forms";
import { useLiveInvalidation } from "../../live";
import { SectionList, type ResourceMethod } from "../../resources";
import {
  RolloutSchema,
  RolloutService,
  RolloutState,
  RolloutStateSchema,
  RolloutTargetSchema,
  type Rollout,
  type RolloutProgress,
} from "../../stubs/csms/station/v1/rollout_service_pb";
import {
  Badge,
  Button,
  Columns,
  ConfirmDialog,
  EmptyState,
  ErrorState,
  Facts,
  Figure,
  Page,
  Section,
  Skeleton,
  toast,
  useGo,
} from "../../ui";
import { rolloutActions } from "./actions";
import { nameOf, rolloutHref, STATE_TONES, targetColumns, workOf } from "./columns";
import { useText, type Text } from "./text";

const { method } = RolloutService;
const OUTCOMES = ["PENDING", "RUNNING", "SUCCEEDED", "FAILED", "SKIPPED", "CANCELLED"] as const;

function wordOf(outcome: (typeof OUTCOMES)[number], t: Text): string {
  const words = {
    PENDING: t.pending,
    RUNNING: t.running,
    SUCCEEDED: t.succeeded,
    FAILED: t.failed,
    SKIPPED: t.skipped,
    CANCELLED: t.cancelled,
  };
  return words[outcome];
}

function RolloutButton(props: { action: ResourceMethod<Rollout>; rollout: Rollout }) {
  const { action, rollout } = props;
  const client = useQueryClient();
  const go = useGo();
  const [asking, setAsking] = useState(false);
  const mutation = useMutation(action.method, {
    onError: (error) => {
      toast(readError(error).message, "bad");
    },
    onSuccess: (answer) => {
      const made = (answer as { rollout?: Rollout }).rollout;
      if (made && made.rolloutId !== rollout.rolloutId) go(rolloutHref(made));
      invalidate(client, method.getRollout, method.listRolloutTargets, method.listRollouts);
    },
  });
  const send = () => {
    mutation.mutate({ rolloutId: rollout.rolloutId });
  };
  const confirm = action.confirm?.(rollout);
  return (
    <>
      <Button
        icon={action.icon ?? "check"}
        isPending={mutation.isPending}
        onPress={() => {
          if (confirm) setAsking(true);
          else send();
        }}
      >
        {action.label}
      </Button>
      {confirm && (
        <ConfirmDialog
          title={confirm.title}
          action={action.label ?? ""}
          isOpen={asking}
          onClose={() => {
            setAsking(false);
          }}
          onConfirm={() => {
            setAsking(false);
            send();
          }}
        >
          {confirm.text}
        </ConfirmDialog>
      )}
    </>
  );
}

function Progress(props: { progress: RolloutProgress }) {
  const t = useText();
  const formats = useFormats();
  const { progress } = props;
  const figures: readonly (readonly [string, number])[] = [
    [t.succeeded, progress.succeeded],
    [t.failed, progress.failed],
    [t.running, progress.running],
    [t.pending, progress.pending],
    [t.skipped, progress.skipped],
    [t.cancelled, progress.cancelled],
  ];
  return (
    <Section title={t.progress}>
      <Columns>
        {figures.map(([label, count]) => (
          <Figure key={label} label={label} value={formats.number(count)} />
        ))}
      </Columns>
    </Section>
  );
}

function Targets(props: { rollout: Rollout }) {
  const t = useText();
  return (
    <Section title={t.targets} flush>
      <SectionList
        name="targets"
        label={t.targets}
        method={method.listRolloutTargets}
        field="targets"
        request={{ rolloutId: props.rollout.rolloutId }}
        schema={RolloutTargetSchema}
        rowKey={(row) => row.stationId}
        columns={targetColumns(t)}
        filters={[
          {
            id: "state",
            label: t.state,
            options: OUTCOMES.map((outcome) => ({ id: outcome, label: wordOf(outcome, t) })),
            clause: (value) => `state = "${value}"`,
          },
        ]}
        searchText={(row) => `${row.stationId} ${row.answerStatus} ${row.error?.message ?? ""}`}
        empty={<EmptyState title={t.noTargets} icon="station" />}
      />
    </Section>
  );
}

export default function RolloutPage(props: { params: Record<string, string | undefined> }): ReactNode {
  const t = useText();
  const permissions = usePermissions();
  const rolloutId = decodeURIComponent(props.params.rolloutId ?? "");
  const { data, error, refetch } = useQuery(method.getRollout, { rolloutId });
  useLiveInvalidation({ types: ["rollout."] }, method.getRollout, method.listRolloutTargets);
  const parent = { href: "/rollouts", label: t.title };
  const rollout = data?.rollout;
  if (!rollout) {
    return (
      <Page title={rolloutId} parent={parent}>
        {error ? <ErrorState error={error} onRetry={() => void refetch()} /> : <Skeleton kind="cards" lines={3} />}
      </Page>
    );
  }
  const actions = rolloutActions(t).filter((one) => permissions.can(one.method) && (one.isOffered?.(rollout) ?? true));
  return (
    <Page
      title={nameOf(rollout, t)}
      parent={parent}
      meta={
        <Badge tone={STATE_TONES[rollout.state] ?? "neutral"}>
          {enumLabel(RolloutStateSchema, RolloutState[rollout.state])}
        </Badge>
      }
      actions={actions.map((action) => (
        <RolloutButton key={action.method.name} action={action} rollout={rollout} />
      ))}
    >
      {rollout.progress && <Progress progress={rollout.progress} />}
      <Targets rollout={rollout} />
      <Section title={t.facts}>
        <Facts
          facts={[
            { label: t.work, value: workOf(rollout, t) },
            { label: t.filter, value: rollout.filter },
            { label: t.by, value: rollout.username },
            { label: t.added, value: <Time value={rollout.createTime} /> },
            { label: t.started, value: <Time value={rollout.startTime} /> },
            { label: t.expires, value: <Time value={rollout.expireTime} /> },
            { label: t.ended, value: <Time value={rollout.endTime} /> },
            { label: t.repeats, value: rollout.retryOf },
          ]}
        />
        <MessageView desc={RolloutSchema} message={rollout} />
      </Section>
    </Page>
  );
}

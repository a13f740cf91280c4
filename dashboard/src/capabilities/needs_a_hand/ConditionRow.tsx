import { useMutation } from "@connectrpc/connect-query";
import { useQueryClient } from "@tanstack/react-query";
import { lazy, Suspense, useState } from "react";

import { readError } from "../../api/errors";
import { usePermissions } from "../../api/permissions";
import { Time, useFormats } from "../../formats";
import { stationHref } from "../../resources/hrefs";
import type { Condition } from "../../stubs/csms/condition/v1/condition_pb";
import { ConditionService } from "../../stubs/csms/condition/v1/condition_service_pb";
import { Button, cx, Icon, Link, LinkButton, MenuButton, toast, type IconName, type MenuEntry } from "../../ui";
import styles from "./hand.module.css";
import { offeredRemedies, type OfferedRemedy } from "./remedies";
import { useHandText } from "./text";
import { moveCondition } from "./useConditions";
import { hrefOf, kindWord, placeText, severityName, whyText, type SeverityName } from "./words";

const { acknowledgeCondition, unacknowledgeCondition } = ConditionService.method;
// Forms are loaded with the first dialog: the start page does without them.
const NoteDialog = lazy(() => import("./NoteDialog"));
const ICONS: Record<SeverityName, IconName> = { CRITICAL: "alert", WARNING: "info", NOTICE: "help" };

export function SeverityMark(props: { condition: Condition }) {
  const t = useHandText();
  const name = severityName(props.condition.severity);
  return (
    <span className={cx(styles.severity, styles[name])} title={t.severities[name]}>
      <Icon name={ICONS[name]} size={18} />
      <span className="visually-hidden">{t.severities[name]}</span>
    </span>
  );
}

function useAcknowledge(condition: Condition) {
  const t = useHandText();
  const client = useQueryClient();
  const onError = (error: unknown) => {
    toast(`${t.failed}: ${readError(error).message}`, "bad");
  };
  const { conditionId } = condition;
  const note = useMutation(acknowledgeCondition, {
    onError,
    onSuccess: () => {
      toast(t.acknowledged);
      moveCondition(client, conditionId);
    },
  });
  const back = useMutation(unacknowledgeCondition, {
    onError,
    onSuccess: () => {
      moveCondition(client, conditionId);
    },
  });
  return {
    acknowledge: () => {
      note.mutate({ conditionId });
    },
    takeBack: () => {
      back.mutate({ conditionId });
    },
    isPending: note.isPending || back.isPending,
  };
}

/** `onRemedy` opens the form of a remedy, which outlives the row: the condition ends with what the form does. */
export function ConditionRow(props: { condition: Condition; onRemedy: (remedy: OfferedRemedy) => void }) {
  const t = useHandText();
  const formats = useFormats();
  const { condition } = props;
  const why = whyText(condition, t, formats);
  const place = placeText(condition, t);
  const href = hrefOf(condition);
  return (
    <li className={styles.row}>
      <SeverityMark condition={condition} />
      <div className={styles.what}>
        <p className={styles.head}>
          <strong>{kindWord(t, condition.kind)}</strong>
          {condition.stationId && <Link href={stationHref(condition.stationId)}>{condition.stationId}</Link>}
          {place && (condition.transactionId && href ? <Link href={href}>{place}</Link> : <span>{place}</span>)}
        </p>
        {why && <p className={styles.why}>{why}</p>}
        <p className={styles.when}>
          <Time value={condition.beginTime} />
          {condition.count > 1n && (
            <>
              {` · ${t.times(formats.number(Number(condition.count)))} · ${t.lastTime} `}
              <Time value={condition.lastTime} />
            </>
          )}
        </p>
        {condition.acknowledgement && <Acknowledged condition={condition} />}
      </div>
      <RowActions condition={condition} onRemedy={props.onRemedy} />
    </li>
  );
}

function Acknowledged(props: { condition: Condition }) {
  const t = useHandText();
  const note = props.condition.acknowledgement;
  if (!note) return null;
  return (
    <p className={styles.when}>
      {t.acknowledgedBy(note.actor.replace(/^user:/, ""))} <Time value={note.acknowledgeTime} />
      {note.comment && `: ${note.comment}`}
    </p>
  );
}

function RowActions(props: { condition: Condition; onRemedy: (remedy: OfferedRemedy) => void }) {
  const t = useHandText();
  const permissions = usePermissions();
  const { condition, onRemedy } = props;
  const [noting, setNoting] = useState(false);
  const { acknowledge, takeBack, isPending } = useAcknowledge(condition);
  const [first, ...others] = offeredRemedies(condition, permissions.can, t);
  const href = hrefOf(condition);
  const openLabel = condition.transactionId ? t.openSession : t.openStation;
  const mayAcknowledge = permissions.can(acknowledgeCondition);
  const acknowledged = condition.acknowledgement !== undefined;
  const entries: MenuEntry[] = others.map((remedy) => ({
    id: remedy.key,
    label: remedy.label,
    onAction: () => {
      onRemedy(remedy);
    },
  }));
  if (mayAcknowledge && !acknowledged) {
    entries.push(
      { id: "acknowledge", label: t.acknowledge, icon: "check", separated: entries.length > 0, onAction: acknowledge },
      {
        id: "note",
        label: t.acknowledgeNote,
        icon: "edit",
        onAction: () => {
          setNoting(true);
        },
      },
    );
  }
  return (
    <div className={styles.actions}>
      {first ? (
        <Button
          small
          onPress={() => {
            onRemedy(first);
          }}
        >
          {first.label}
        </Button>
      ) : (
        href && (
          <LinkButton small href={href}>
            {openLabel}
          </LinkButton>
        )
      )}
      {acknowledged && mayAcknowledge && (
        <Button small kind="quiet" isPending={isPending} onPress={takeBack}>
          {t.unacknowledge}
        </Button>
      )}
      {entries.length > 0 && (
        <MenuButton
          label={`${t.more}: ${kindWord(t, condition.kind)} ${condition.stationId}`}
          icon="more"
          entries={entries}
        />
      )}
      {noting && (
        <Suspense>
          <NoteDialog
            condition={condition}
            onClose={() => {
              setNoting(false);
            }}
          />
        </Suspense>
      )}
    </div>
  );
}

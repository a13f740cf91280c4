import { useQuery } from "@connectrpc/connect-query";
import { lazy, Suspense, useState, type ReactNode } from "react";

import { useFormats } from "../../formats";
import { useLiveState } from "../../live";
import { ConditionKind, type Condition } from "../../stubs/csms/condition/v1/condition_pb";
import type { CountConditionsResponse, UnavailableSource } from "../../stubs/csms/condition/v1/condition_service_pb";
import { StationService } from "../../stubs/csms/station/v1/station_service_pb";
import { useScopeClause } from "../../tables/scope";
import { Button, cx, EmptyState, ErrorState, Icon, LinkButton, Page, Skeleton, useUrlParameter } from "../../ui";
import { ConditionRow } from "./ConditionRow";
import styles from "./hand.module.css";
import { Overview } from "./Overview";
import type { OfferedRemedy } from "./remedies";
import { useHandText } from "./text";
import { useConditionCounts, useConditions } from "./useConditions";
import { kindName, kindWord } from "./words";

// Forms are loaded with the first dialog: the start page does without them.
const RemedyDialog = lazy(() => import("./RemedyDialog"));

interface ChosenRemedy {
  readonly condition: Condition;
  readonly remedy: OfferedRemedy;
}

type OnRemedy = (chosen: ChosenRemedy) => void;

function useKind(): [ConditionKind | undefined, (kind: ConditionKind | undefined) => void] {
  const [name, setName] = useUrlParameter("kind");
  const found = ConditionKind[name as keyof typeof ConditionKind] as ConditionKind | undefined;
  return [
    found,
    (kind) => {
      setName(kind === undefined ? "" : kindName(kind));
    },
  ];
}

export default function NeedsAHandPage(): ReactNode {
  const t = useHandText();
  const counts = useConditionCounts();
  const [kind, setKind] = useKind();
  const [chosen, setChosen] = useState<ChosenRemedy>();
  return (
    <Page title={t.title}>
      <div className={styles.page}>
        <section className={styles.main} aria-label={t.listLabel}>
          {counts.data && <Sources sources={counts.data.unavailableSources} />}
          {counts.data && <Kinds counts={counts.data} kind={kind} onKind={setKind} />}
          <Conditions
            kind={kind}
            counts={counts.data}
            onAll={() => {
              setKind(undefined);
            }}
            onRemedy={setChosen}
          />
          <AcknowledgedConditions kind={kind} counts={counts.data} onRemedy={setChosen} />
        </section>
        <Overview />
      </div>
      {chosen && (
        <Suspense>
          <RemedyDialog
            {...chosen}
            onClose={() => {
              setChosen(undefined);
            }}
          />
        </Suspense>
      )}
    </Page>
  );
}

/** The services that do not answer: what they know of is missing. */
function Sources(props: { sources: readonly UnavailableSource[] }) {
  const t = useHandText();
  const formats = useFormats();
  return props.sources.map((one) => {
    const name = (t.sources as Readonly<Record<string, string>>)[one.source] ?? one.source;
    return (
      <div key={one.source} role="status" className={styles.source}>
        <Icon name="wifiOff" size={16} />
        <p>
          {t.unavailable(name)} {t.missing(formats.list(one.kinds.map((kind) => kindWord(t, kind))))}
        </p>
      </div>
    );
  });
}

/** The kinds that there are, with their numbers; each narrows the list. */
function Kinds(props: {
  counts: CountConditionsResponse;
  kind: ConditionKind | undefined;
  onKind: (kind: ConditionKind | undefined) => void;
}) {
  const t = useHandText();
  const formats = useFormats();
  const shown = props.counts.counts.filter(
    ({ unacknowledgedCount, kind }) => unacknowledgedCount > 0n || kind === props.kind,
  );
  if (shown.length === 0) return null;
  const total = props.counts.counts.reduce((sum, one) => sum + Number(one.unacknowledgedCount), 0);
  const chip = (kind: ConditionKind | undefined, label: string, count: number) => (
    <button
      key={label}
      type="button"
      aria-pressed={props.kind === kind}
      className={cx(styles.chip, props.kind === kind && styles.chosen)}
      onClick={() => {
        props.onKind(kind);
      }}
    >
      {label}
      <span className={styles.count}>{formats.number(count)}</span>
    </button>
  );
  return (
    <div className={styles.chips}>
      {chip(undefined, t.all, total)}
      {shown.map((one) => chip(one.kind, kindWord(t, one.kind), Number(one.unacknowledgedCount)))}
    </div>
  );
}

function Conditions(props: {
  kind: ConditionKind | undefined;
  counts: CountConditionsResponse | undefined;
  onAll: () => void;
  onRemedy: OnRemedy;
}) {
  const t = useHandText();
  const paged = useConditions({ acknowledged: false, kind: props.kind });
  const isStale = useLiveState().kind === "paused";
  if (paged.isLoading && !paged.error) return <Skeleton kind="rows" lines={6} />;
  if (paged.error && paged.rows.length === 0) return <ErrorState error={paged.error} onRetry={paged.refetch} />;
  if (paged.rows.length === 0 && !paged.hasMore) {
    if (props.kind === undefined) return <Nothing isWhole={props.counts?.unavailableSources.length === 0} />;
    return (
      <EmptyState
        title={t.nothingFiltered}
        icon="check"
        action={<Button onPress={props.onAll}>{t.clearKind}</Button>}
      />
    );
  }
  return (
    <>
      <ul className={cx(styles.list, isStale && styles.old)}>
        <Rows conditions={paged.rows} onRemedy={props.onRemedy} />
      </ul>
      {paged.hasMore && (
        <Button isPending={paged.isLoadingMore} onPress={paged.loadMore}>
          {t.showMore}
        </Button>
      )}
    </>
  );
}

function Rows(props: { conditions: readonly Condition[]; onRemedy: OnRemedy }) {
  return props.conditions.map((condition) => (
    <ConditionRow
      key={condition.conditionId}
      condition={condition}
      onRemedy={(remedy) => {
        props.onRemedy({ condition, remedy });
      }}
    />
  ));
}

/** Nothing is wrong, which is worth a look of its own; or nothing is there yet. */
function Nothing(props: { isWhole: boolean }) {
  const t = useHandText();
  const formats = useFormats();
  const filter = useScopeClause();
  const summary = useQuery(StationService.method.getStationSummary, { filter }).data?.summary;
  const { protocol, host } = globalThis.location;
  if (summary?.stationCount === 0n) {
    return (
      <EmptyState title={t.nothingYetTitle} icon="station">
        <p>{t.nothingYetText(`${protocol === "https:" ? "wss" : "ws"}://${host}/ocpp/`)}</p>
      </EmptyState>
    );
  }
  return (
    <div className={styles.nothing}>
      <svg aria-hidden="true" width="88" height="88" viewBox="0 0 88 88" className={styles.nothingMark}>
        <circle cx="44" cy="44" r="40" />
        <path d="M27 45.500l12 12 23-25" />
      </svg>
      <p className={styles.nothingTitle}>{props.isWhole ? t.nothingTitle : t.nothingUnknown}</p>
      {summary && props.isWhole && (
        <p className={styles.nothingText}>
          {t.nothingText(formats.number(Number(summary.stationCount)), formats.number(Number(summary.connectedCount)))}
        </p>
      )}
      <LinkButton href="/stations">{t.stations}</LinkButton>
    </div>
  );
}

function AcknowledgedConditions(props: {
  kind: ConditionKind | undefined;
  counts: CountConditionsResponse | undefined;
  onRemedy: OnRemedy;
}) {
  const t = useHandText();
  const formats = useFormats();
  const [shown, setShown] = useUrlParameter("acknowledged");
  const isOpen = shown === "shown";
  const count = (props.counts?.counts ?? [])
    .filter(({ kind }) => props.kind === undefined || kind === props.kind)
    .reduce((sum, one) => sum + Number(one.count - one.unacknowledgedCount), 0);
  if (count === 0) return null;
  return (
    <div className={styles.folded}>
      <button
        type="button"
        aria-expanded={isOpen}
        className={styles.fold}
        onClick={() => {
          setShown(isOpen ? "" : "shown");
        }}
      >
        <Icon name={isOpen ? "chevronDown" : "chevronRight"} size={16} />
        {t.acknowledgedTitle(formats.number(count))}
      </button>
      {isOpen && <FoldedList kind={props.kind} onRemedy={props.onRemedy} />}
    </div>
  );
}

function FoldedList(props: { kind: ConditionKind | undefined; onRemedy: OnRemedy }) {
  const t = useHandText();
  const paged = useConditions({ acknowledged: true, kind: props.kind });
  if (paged.error) return <ErrorState inline error={paged.error} onRetry={paged.refetch} />;
  if (paged.isLoading) return <Skeleton kind="rows" lines={2} />;
  return (
    <>
      <ul className={styles.list}>
        <Rows conditions={paged.rows} onRemedy={props.onRemedy} />
      </ul>
      {paged.hasMore && <Button onPress={paged.loadMore}>{t.showMore}</Button>}
    </>
  );
}

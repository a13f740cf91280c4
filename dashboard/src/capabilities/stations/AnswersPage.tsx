import type { ReactNode } from "react";

import { useFormats } from "../../formats";
import { stationHref } from "../../resources/hrefs";
import { readSort, sortRows, writeSort, type Column, DataTable } from "../../tables";
import { Badge, Button, EmptyState, Link, Page, Select, useUrlState, type Tone } from "../../ui";
import type { Answer, AnswerState, Run } from "./runs";
import styles from "./stations.module.css";
import { useStationText, type StationText } from "./text";
import { runs, useRun } from "./window_runs";

const STATES: readonly AnswerState[] = ["waiting", "running", "done", "failed"];
const TONES: Readonly<Record<AnswerState, Tone>> = {
  waiting: "neutral",
  running: "accent",
  done: "good",
  failed: "bad",
};

function answerColumns(t: StationText): Column<Answer>[] {
  return [
    {
      id: "state",
      label: t.state,
      width: "150px",
      sortBy: (row) => STATES.indexOf(row.state),
      cell: (row) => <Badge tone={TONES[row.state]}>{t.answerStates[row.state]}</Badge>,
    },
    {
      id: "station",
      label: t.station,
      card: "head",
      sortBy: (row) => row.name,
      cell: (row) => (
        <Link href={stationHref(row.stationId)} className={styles.name}>
          {row.name}
        </Link>
      ),
    },
    {
      id: "message",
      label: t.answer,
      width: "minmax(240px, 3fr)",
      sortBy: (row) => row.message || undefined,
      cell: (row) => row.message || "–",
    },
    { id: "request", label: t.requestId, cell: (row) => (row.requestId ? <code>{row.requestId}</code> : "–") },
  ];
}

/** The answer of each station to an action on many, made from this window. */
export default function AnswersPage(props: { params: Record<string, string | undefined> }): ReactNode {
  const t = useStationText();
  const run = useRun(decodeURIComponent(props.params.run ?? ""));
  const parent = { href: "/stations", label: t.title };
  if (run) return <Answers run={run} parent={parent} />;
  return (
    <Page title={t.answersTitle} parent={parent}>
      <EmptyState title={t.answersGone} icon="list">
        <p>{t.answersGoneText}</p>
      </EmptyState>
    </Page>
  );
}

function Answers(props: { run: Run; parent: { href: string; label: string } }) {
  const t = useStationText();
  const formats = useFormats();
  const url = useUrlState();
  const { run } = props;
  const count = (state: AnswerState) => run.answers.filter((answer) => answer.state === state).length;
  const [failed, ended] = [count("failed"), count("done") + count("failed")];
  const state = url.get("state");
  const sort = readSort(url.get("sort"));
  const columns = answerColumns(t);
  const chosen = state ? run.answers.filter((answer) => answer.state === state) : run.answers;
  const rows = sortRows(chosen, columns, sort);
  const title = run.action === "accept" ? t.acceptStations : t.closeConnections;
  return (
    <Page
      title={title}
      fill
      parent={props.parent}
      meta={<span role="status">{t.answered(formats.number(ended), formats.number(run.answers.length), failed)}</span>}
      actions={
        ended === run.answers.length &&
        failed > 0 && (
          <Button kind="primary" icon="refresh" onPress={() => void runs.retry(run.id)}>
            {t.retryFailed}
          </Button>
        )
      }
    >
      <div className={styles.answers}>
        <div className={styles.answerTools}>
          <Select
            label={t.state}
            hideLabel
            options={[
              { id: "*", label: `${t.state}: ${t.any}` },
              ...STATES.map((one) => ({ id: one, label: `${t.answerStates[one]}: ${formats.number(count(one))}` })),
            ]}
            value={state || "*"}
            onChange={(value) => {
              url.set({ state: value === "*" ? undefined : value });
            }}
          />
        </div>
        <DataTable
          label={title}
          columns={columns}
          rows={rows}
          rowKey={(row) => row.stationId}
          rowName={(row) => row.name}
          sort={sort}
          onSort={(next) => {
            url.set({ sort: writeSort(next) });
          }}
          fill
        />
      </div>
    </Page>
  );
}

import { useQuery } from "@connectrpc/connect-query";
import { useState, type ReactNode } from "react";

import { readError } from "../../api/errors";
import { usePermissions } from "../../api/permissions";
import { useFormats, useNow } from "../../formats";
import { saveCsv } from "../../formats/csv";
import { isoDay, startOfDay, viewerZone } from "../../formats/zones";
import { sessionHref } from "../../resources/hrefs";
import { SiteService } from "../../stubs/csms/station/v1/site_service_pb";
import { TransactionService } from "../../stubs/csms/transaction/v1/transaction_service_pb";
import { allOf, clauseOf, ListPage, quoted, useScopeClause } from "../../tables";
import { Button, EmptyState, TextField, toast, useUrlState, type UrlState } from "../../ui";
import { sessionColumns } from "./columns";
import { exportSessions } from "./exports";
import { applySessionEvent, keyOfEvent, readSession, SESSION_EVENTS, sessionKey } from "./live";
import { OWN_PERIOD, sessionFilters, typedClause } from "./query";
import styles from "./sessions.module.css";
import { useSessionText } from "./text";

const TYPED = ["station", "token", "from", "to"] as const;

/** The sites that one can choose; none where the caller may not read them. */
function useSites(): { id: string; label: string }[] {
  const canRead = usePermissions().can(SiteService.method.listSites);
  const { data } = useQuery(SiteService.method.listSites, { pageSize: 1000 }, { enabled: canRead, staleTime: 300_000 });
  return (data?.sites ?? []).map((site) => ({ id: site.siteId, label: site.displayName || site.siteId }));
}

export default function SessionsPage(): ReactNode {
  const t = useSessionText();
  const url = useUrlState();
  const zone = viewerZone();
  // The day, and not the moment: the request stays the same until midnight.
  const today = startOfDay(useNow(), zone);
  const filters = sessionFilters(t, useSites(), today, zone);
  const typed = typedClause(url.get, zone);
  const scope = useScopeClause();
  const text = url.get("q").trim();
  const filter = allOf(typed, clauseOf(filters, url.get), text ? quoted(text) : "", scope);
  const clear = () => {
    url.set(Object.fromEntries([...TYPED, "q", ...filters.map(({ id }) => id)].map((name) => [name, undefined])));
  };
  return (
    <ListPage
      title={t.title}
      label={t.title}
      method={TransactionService.method.listTransactions}
      field="transactions"
      clause={typed}
      columns={sessionColumns(t)}
      rowKey={sessionKey}
      rowName={(session) => `${session.stationId} ${session.transactionId}`}
      href={sessionHref}
      filters={filters}
      searchClause={quoted}
      searchLabel={t.searchSessions}
      tools={<TypedFilters url={url} onClear={filter === scope ? undefined : clear} />}
      actions={<ExportButton filter={filter} zone={zone} />}
      live={{ filter: SESSION_EVENTS, keyOf: keyOfEvent, apply: applySessionEvent, reload: readSession }}
      empty={
        typed ? (
          <EmptyState title={t.noMatchTitle} icon="search" action={<Button onPress={clear}>{t.clearAll}</Button>}>
            <p>{t.noMatchText}</p>
          </EmptyState>
        ) : (
          <EmptyState title={t.emptyTitle} icon="session">
            <p>{t.emptyText}</p>
          </EmptyState>
        )
      }
    />
  );
}

function TypedFilters(props: { url: UrlState; onClear: (() => void) | undefined }) {
  const t = useSessionText();
  const { url, onClear } = props;
  const field = (name: (typeof TYPED)[number], label: string, type: "text" | "date") => (
    <TextField
      label={label}
      hideLabel
      className={styles.typed}
      placeholder={label}
      type={type}
      value={url.get(name)}
      onChange={(value) => {
        url.set({ [name]: value });
      }}
    />
  );
  return (
    <>
      {url.get("period") === OWN_PERIOD && (
        <>
          {field("from", t.from, "date")}
          {field("to", t.to, "date")}
        </>
      )}
      {field("station", t.station, "text")}
      {field("token", t.token, "text")}
      {onClear && (
        <Button small kind="quiet" icon="close" onPress={onClear}>
          {t.clearAll}
        </Button>
      )}
    </>
  );
}

function ExportButton(props: { filter: string; zone: string }) {
  const t = useSessionText();
  const formats = useFormats();
  const [progress, setProgress] = useState<number>();
  const run = async () => {
    setProgress(0);
    try {
      const made = await exportSessions(props.filter, props.zone, setProgress);
      saveCsv(`sessions-${isoDay(Date.now(), props.zone)}.csv`, made.text);
      const count = formats.number(made.count);
      toast(made.isCut ? t.exportCut(count) : t.exported(count), made.isCut ? "neutral" : "good");
    } catch (error) {
      toast(`${t.exportFailed}: ${readError(error).message}`, "bad");
    } finally {
      setProgress(undefined);
    }
  };
  return (
    <Button icon="download" isPending={progress !== undefined} onPress={() => void run()}>
      {progress === undefined ? t.exportCsv : t.exporting(formats.number(progress))}
    </Button>
  );
}

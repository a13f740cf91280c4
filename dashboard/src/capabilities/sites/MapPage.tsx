import { useEffect, useEffectEvent, useMemo, useState, type ReactNode } from "react";

import { useLiveEvents } from "../../live";
import { StationService } from "../../stubs/csms/station/v1/station_service_pb";
import { DataTable, usePagedRows, useScopeClause, type Column } from "../../tables";
import { EmptyState, ErrorState, Link, Page, Skeleton, StateMark, useUrlState } from "../../ui";
import styles from "./map.module.css";
import { readView, writeView, type View } from "./projection";
import { SiteMap } from "./SiteMap";
import { mappedSites, WORST_FIRST, type MappedSite } from "./stations_by_site";
import { useText, type Text } from "./text";
import { nameOf } from "./tree";
import { useSites } from "./useSites";

// A busy fleet changes at any moment; the marks need not.
const FRESH_MS = 15_000;
const PAGE_SIZE = 1000;
const EVENTS = {
  types: ["station.status_changed", "station.connected", "station.disconnected", "station.created", "station.deleted"],
};

/** All stations of the scope, read anew some seconds after a change. */
function useStations() {
  const paged = usePagedRows({
    method: StationService.method.listStations,
    field: "stations",
    request: { filter: useScopeClause() },
    rowKey: (station) => station.stationId,
    pageSize: PAGE_SIZE,
  });
  const { hasMore, isLoadingMore, loadMore, error } = paged;
  useEffect(() => {
    if (hasMore && !isLoadingMore && !error) loadMore();
  }, [hasMore, isLoadingMore, loadMore, error]);
  const [changed, setChanged] = useState(false);
  useLiveEvents(EVENTS, () => {
    setChanged(true);
  });
  const readAnew = useEffectEvent(paged.refetch);
  useEffect(() => {
    if (!changed) return;
    const timer = setTimeout(() => {
      setChanged(false);
      readAnew();
    }, FRESH_MS);
    return () => {
      clearTimeout(timer);
    };
  }, [changed]);
  return paged;
}

function siteHref(siteId: string): string {
  return `/sites?${new URLSearchParams({ site: siteId }).toString()}`;
}

function columnsOf(t: Text): Column<MappedSite>[] {
  return [
    {
      id: "site",
      label: t.site,
      card: "head",
      width: "minmax(120px, 1fr)",
      cell: ({ site }) => <Link href={siteHref(site.siteId)}>{nameOf(site)}</Link>,
    },
    {
      id: "stations",
      label: t.stationsByState,
      width: "minmax(160px, 1.6fr)",
      cell: ({ counts }) => (
        <span className={styles.states}>
          {counts.size === 0 && "–"}
          {WORST_FIRST.filter((state) => counts.has(state)).map((state) => (
            <span key={state} className={styles.state}>
              <StateMark state={state} small /> {counts.get(state)}
            </span>
          ))}
        </span>
      ),
    },
  ];
}

export default function MapPage(): ReactNode {
  const t = useText();
  return (
    <Page title={t.map} parent={{ href: "/sites", label: t.title }} fill>
      <Content />
    </Page>
  );
}

function Content() {
  const t = useText();
  const url = useUrlState();
  const sites = useSites();
  const stations = useStations();
  const mapped = useMemo(() => mappedSites(sites.rows, stations.rows), [sites.rows, stations.rows]);
  const chosen = url.get("site");
  const error = sites.error ?? stations.error;
  if (error && (sites.rows.length === 0 || stations.rows.length === 0)) {
    return <ErrorState error={error} onRetry={sites.error ? sites.refetch : stations.refetch} />;
  }
  if (sites.isLoading || sites.hasMore || stations.isLoading) return <Skeleton kind="cards" lines={1} />;
  if (mapped.length === 0) {
    return (
      <EmptyState title={t.noCoordinates} icon="site">
        <p>{t.noCoordinatesText}</p>
      </EmptyState>
    );
  }
  const view = readView(url.get("at")) ?? viewOf(mapped, chosen);
  return (
    <div className={styles.columns}>
      <SiteMap
        sites={mapped}
        view={view}
        chosen={chosen}
        hrefOf={siteHref}
        onView={(next) => {
          url.set({ at: next && writeView(next), ...(next ? {} : { site: undefined }) });
        }}
      />
      <div className={styles.side}>
        <DataTable
          label={t.stationsByState}
          columns={columnsOf(t)}
          rows={mapped}
          rowKey={({ site }) => site.siteId}
          rowName={({ site }) => nameOf(site)}
          fill
        />
      </div>
    </div>
  );
}

/** The chosen site in the middle; undefined, which is all of them, without one. */
function viewOf(mapped: readonly MappedSite[], chosen: string): View | undefined {
  const found = mapped.find(({ site }) => site.siteId === chosen);
  return found && { latitude: found.latitude, longitude: found.longitude, scale: 256 * 2 ** 13 };
}

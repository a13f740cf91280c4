// The chosen site: its facts, labels, stations by state, and what can be done with it.
import { useQuery } from "@connectrpc/connect-query";
import { useState } from "react";

import { usePermissions } from "../../api/permissions";
import { StateBar, type StateCount } from "../../charts/StateBar";
import { Time } from "../../formats";
import { useLiveInvalidation } from "../../live";
import type { Site } from "../../stubs/csms/station/v1/site_pb";
import { SiteService } from "../../stubs/csms/station/v1/site_service_pb";
import { ConnectorStatus } from "../../stubs/csms/station/v1/station_pb";
import { StationService, type StationSummary } from "../../stubs/csms/station/v1/station_service_pb";
import { Badge, Button, ErrorState, Facts, Link, LinkButton, MenuButton, Section, Skeleton } from "../../ui";
import type { MenuEntry, State } from "../../ui";
import { LabelsDialog } from "./LabelsDialog";
import { MoveDialog } from "./MoveDialog";
import styles from "./sites.module.css";
import { useText } from "./text";
import { nameOf, pathText } from "./tree";

const { method } = SiteService;

const STATES: Readonly<Record<number, State>> = {
  [ConnectorStatus.AVAILABLE]: "available",
  [ConnectorStatus.OCCUPIED]: "occupied",
  [ConnectorStatus.RESERVED]: "reserved",
  [ConnectorStatus.FAULTED]: "faulted",
  [ConnectorStatus.UNAVAILABLE]: "unavailable",
};

function scoped(path: string, scope: string): string {
  return `${path}?${new URLSearchParams({ scope }).toString()}`;
}

function countsOf(summary: StationSummary): StateCount[] {
  const counts = new Map<State, number>();
  const add = (state: State, count: bigint) => counts.set(state, (counts.get(state) ?? 0) + Number(count));
  for (const { status, connectedCount, disconnectedCount } of summary.connectors) {
    add(STATES[status] ?? "unknown", connectedCount);
    add("offline", disconnectedCount);
  }
  return [...counts].map(([state, count]) => ({ state, count }));
}

function Connectors(props: { site: Site }) {
  const t = useText();
  const summaryOf = StationService.method.getStationSummary;
  useLiveInvalidation({ types: ["station."] }, summaryOf);
  const { data, error, refetch } = useQuery(summaryOf, { filter: `site:${props.site.siteId}` });
  if (error && !data) return <ErrorState inline error={error} onRetry={() => void refetch()} />;
  if (!data?.summary) return <Skeleton lines={2} />;
  const counts = countsOf(data.summary);
  if (counts.every(({ count }) => count === 0)) return <p className={styles.quiet}>{t.noStations}</p>;
  return <StateBar label={t.connectors} counts={counts} />;
}

function Labels(props: { site: Site }) {
  const t = useText();
  const labels = Object.entries(props.site.labels);
  if (labels.length === 0) return <p className={styles.quiet}>{t.noLabels}</p>;
  return (
    <ul className={styles.labels} aria-label={t.labels}>
      {labels.map(([key, value]) => (
        <li key={key}>
          <Link href={scoped("/stations", `labels.${key}:${value}`)} title={t.stationsWith}>
            <Badge>{`${key}: ${value}`}</Badge>
          </Link>
        </li>
      ))}
    </ul>
  );
}

function factsOf(site: Site, names: ReadonlyMap<string, string>, t: ReturnType<typeof useText>) {
  const { address, contact, coordinates } = site;
  const lines = [...(address?.lines ?? []), [address?.postalCode, address?.locality].filter(Boolean).join(" ")];
  return [
    { label: t.way, value: site.parentSiteId ? pathText(site, names) : "" },
    { label: t.id, value: site.siteId },
    { label: t.kind, value: site.kind },
    { label: t.place, value: lines.filter(Boolean).join(", ") },
    {
      label: t.coordinates,
      value: coordinates && (
        <Link href={`/sites/map?${new URLSearchParams({ site: site.siteId }).toString()}`}>
          {`${coordinates.latitude.toFixed(4)}, ${coordinates.longitude.toFixed(4)}`}
        </Link>
      ),
    },
    { label: t.zone, value: site.effectiveTimeZone },
    { label: t.contact, value: [contact?.name, contact?.phone, contact?.email].filter(Boolean).join(", ") },
    { label: t.added, value: <Time value={site.createTime} /> },
  ];
}

export function SitePanel(props: { site: Site; sites: readonly Site[]; entries: readonly MenuEntry[] }) {
  const t = useText();
  const permissions = usePermissions();
  const { site, sites } = props;
  const [asking, setAsking] = useState<"move" | "labels">();
  const names = new Map(sites.map((one) => [one.siteId, nameOf(one)]));
  const close = () => {
    setAsking(undefined);
  };
  return (
    <Section
      title={nameOf(site)}
      className={styles.panel ?? ""}
      actions={
        <>
          {permissions.can(method.moveSite) && (
            <Button
              small
              icon="rollout"
              onPress={() => {
                setAsking("move");
              }}
            >
              {t.move}
            </Button>
          )}
          <MenuButton label={t.actionsOf(nameOf(site))} icon="more" entries={props.entries} />
        </>
      }
    >
      <div className={styles.parts}>
        <Connectors site={site} />
        <div className={styles.links}>
          <LinkButton small icon="station" href={scoped("/stations", `site:${site.siteId}`)}>
            {t.stations}
          </LinkButton>
          <LinkButton small icon="session" href={scoped("/sessions", `site:${site.siteId}`)}>
            {t.sessions}
          </LinkButton>
        </div>
        <div className={styles.labelHead}>
          <h3>{t.labels}</h3>
          {permissions.can(method.updateSite) && (
            <Button
              small
              kind="quiet"
              icon="edit"
              onPress={() => {
                setAsking("labels");
              }}
            >
              {t.changeLabels}
            </Button>
          )}
        </div>
        <Labels site={site} />
        <Facts facts={factsOf(site, names, t)} />
      </div>
      {asking === "move" && <MoveDialog site={site} sites={sites} onClose={close} />}
      {asking === "labels" && <LabelsDialog site={site} onClose={close} />}
    </Section>
  );
}

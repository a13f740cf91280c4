import { createConnectQueryKey, useQuery } from "@connectrpc/connect-query";
import { useQueryClient } from "@tanstack/react-query";
import { lazy, Suspense, useMemo, type ReactNode } from "react";

import { connectorsOf, connectorState, Since, stationState, Time } from "../../formats";
import { debounce, useLiveEvents } from "../../live";
import type { GetStationResponse } from "../../stubs/csms/station/v1/station_service_pb";
import { StationService } from "../../stubs/csms/station/v1/station_service_pb";
import type { Station } from "../../stubs/csms/station/v1/station_pb";
import { Badge, Columns, ErrorState, Facts, Page, Section, Skeleton, StateMark, Tabs, type TabItem } from "../../ui";
import { useLanguage } from "../../i18n/catalogue";
import { usePermissions } from "../../api/permissions";
import { stationTabsFor } from "../../shell/registry";
import { Commands } from "./Commands";
import { conditionWord, nameOf } from "./columns";
import { applyStationEvent } from "./live";
import { StationActions } from "./StationActions";
import styles from "./stations.module.css";
import { useStationText } from "./text";

const reload = new Map<string, { call: () => void; cancel: () => void }>();

/** The station, kept up by its events. */
function useStation(stationId: string) {
  const client = useQueryClient();
  const query = useQuery(StationService.method.getStation, { stationId });
  const queryKey = createConnectQueryKey({
    schema: StationService.method.getStation,
    input: { stationId },
    cardinality: undefined,
  });
  useLiveEvents({ types: ["station."], stationId }, (events) => {
    for (const event of events) {
      let stale = false;
      client.setQueriesData<GetStationResponse>({ queryKey }, (answer) => {
        const next = answer?.station && applyStationEvent(answer.station, event);
        stale ||= next === "reload";
        return typeof next === "object" ? ({ ...answer, station: next } as GetStationResponse) : answer;
      });
      if (!stale) continue;
      if (!reload.has(stationId))
        reload.set(
          stationId,
          debounce(() => void client.invalidateQueries({ queryKey }), 400, 2_000),
        );
      reload.get(stationId)?.call();
    }
  });
  return query;
}

/** The tabs that other capabilities bring, loaded when they are first shown. */
function useFurtherTabs(stationId: string): TabItem[] {
  const language = useLanguage();
  const permissions = usePermissions();
  return useMemo(
    () =>
      stationTabsFor(permissions).map((tab) => {
        const Content = lazy(tab.load);
        return {
          id: tab.id,
          label: tab.label[language],
          content: (
            <Suspense fallback={<Skeleton kind="rows" lines={8} />}>
              <Content stationId={stationId} />
            </Suspense>
          ),
        };
      }),
    [language, permissions, stationId],
  );
}

export default function StationPage(props: { params: Record<string, string | undefined> }): ReactNode {
  const t = useStationText();
  const stationId = decodeURIComponent(props.params.stationId ?? "");
  const { data, error, refetch } = useStation(stationId);
  const parent = { href: "/stations", label: t.title };
  const station = data?.station;
  const tabs = useFurtherTabs(stationId);
  if (!station) {
    return (
      <Page title={stationId} parent={parent}>
        {error ? <ErrorState error={error} onRetry={() => void refetch()} /> : <Skeleton kind="cards" lines={4} />}
      </Page>
    );
  }
  return (
    <Page
      title={nameOf(station)}
      parent={parent}
      meta={<Meta station={station} />}
      actions={<StationActions station={station} />}
    >
      <Tabs
        label={nameOf(station)}
        tabs={[
          { id: "overview", label: t.overview, content: <Overview station={station} /> },
          { id: "commands", label: t.commands, content: <Commands station={station} /> },
          ...tabs,
        ]}
      />
    </Page>
  );
}

function Meta(props: { station: Station }) {
  const t = useStationText();
  const { station } = props;
  return (
    <>
      <StateMark state={stationState(station)} />
      {station.displayName && <span>{station.stationId}</span>}
      {station.siteId && <span>{station.siteId}</span>}
      {station.conditions.map((condition) => (
        <Badge key={condition.type} tone="bad" title={condition.reason}>
          {conditionWord(t, condition.type)}
        </Badge>
      ))}
      {!station.connected && (
        <span>
          {station.connection ? t.offlineSince : t.neverConnected}{" "}
          {station.connection && <Time value={station.connection.disconnectTime} />}
        </span>
      )}
    </>
  );
}

function Overview(props: { station: Station }) {
  const t = useStationText();
  const { station } = props;
  const { identity, connection } = station;
  return (
    <>
      <Section title={t.connectors}>
        <ConnectorCards station={station} />
      </Section>
      <Columns>
        <Section title={t.connection}>
          <Facts
            facts={[
              { label: t.lastSeen, value: <Time value={station.lastSeenTime} /> },
              connection?.connectTime &&
                station.connected && { label: t.since, value: <Time value={connection.connectTime} /> },
              { label: t.ocppVersion, value: connection?.ocppVersion },
              { label: t.address, value: connection?.remoteAddress },
              { label: t.node, value: connection?.nodeId },
              { label: t.securityProfile, value: station.securityProfile },
              { label: t.lastBoot, value: <Time value={station.lastBootTime} /> },
            ]}
          />
        </Section>
        <Section title={t.identity}>
          <Facts
            facts={[
              { label: t.id, value: station.stationId },
              { label: t.vendor, value: identity?.vendorName },
              { label: t.model, value: identity?.model },
              { label: t.serial, value: identity?.serialNumber },
              { label: t.firmware, value: identity?.firmwareVersion },
              { label: t.added, value: <Time value={station.createTime} /> },
              Object.keys(station.labels).length > 0 && {
                label: t.labels,
                value: (
                  <span className={styles.connectors}>
                    {Object.entries(station.labels).map(([key, value]) => (
                      <Badge key={key}>{`${key}: ${value}`}</Badge>
                    ))}
                  </span>
                ),
              },
              Object.keys(station.quirks).length > 0 && {
                label: t.quirks,
                value: Object.entries(station.quirks).map(([name, count]) => (
                  <div key={name}>{`${name} × ${String(count)}`}</div>
                )),
              },
            ]}
          />
        </Section>
      </Columns>
    </>
  );
}

function ConnectorCards(props: { station: Station }) {
  const t = useStationText();
  const places = connectorsOf(props.station);
  if (places.length === 0) return <p>{t.noConnectors}</p>;
  return (
    <ul className={styles.cards}>
      {places.map(({ evseId, connector }) => {
        const state = props.station.connected ? connectorState(connector) : "offline";
        return (
          <li key={`${String(evseId)}.${String(connector.connectorId)}`} className={styles.card}>
            <div className={styles.cardHead}>
              <strong>
                {connector.connectorId > 1 ? `${String(evseId)}.${String(connector.connectorId)}` : evseId}
              </strong>
              <StateMark state={state} />
            </div>
            <div className={styles.cardFacts}>
              {connector.statusTime && <Since value={connector.statusTime} />}
              {connector.reportedStatus && <span>{t.reportedAs(connector.reportedStatus)}</span>}
              {connector.errorCode && connector.errorCode !== "NoError" && (
                <Badge tone="bad">{connector.errorCode}</Badge>
              )}
            </div>
          </li>
        );
      })}
    </ul>
  );
}

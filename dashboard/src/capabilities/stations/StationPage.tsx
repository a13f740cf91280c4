import { useQuery } from "@connectrpc/connect-query";
import { useState, type ReactNode } from "react";

import { isNotFound } from "../../api/errors";
import { connectorsOf, connectorState, Since, stationState, Time, type ConnectorPlace } from "../../formats";
import { useLiveAnswer } from "../../live";
import { StationService } from "../../stubs/csms/station/v1/station_service_pb";
import type { Connection, Station } from "../../stubs/csms/station/v1/station_pb";
import type { Transaction } from "../../stubs/csms/transaction/v1/transaction_service_pb";
import { useStationTabs } from "../../shell/station_tabs";
import {
  Badge,
  Columns,
  EmptyState,
  ErrorState,
  Facts,
  LinkButton,
  Page,
  Section,
  Skeleton,
  StateMark,
  Tabs,
} from "../../ui";
import { Commands, useCommands } from "./Commands";
import { conditionWord, nameOf } from "./columns";
import { ConnectorSession, StopDialog, useOngoing } from "./ConnectorSession";
import { applyStationEvent } from "./live";
import { sessionAt } from "./session_at";
import { StationActions } from "./StationActions";
import { Socket } from "./Socket";
import styles from "./stations.module.css";
import { useStationText, type StationText } from "./text";

const { getStation } = StationService.method;

/** The station, kept up by its events. */
function useStation(stationId: string) {
  const query = useQuery(getStation, { stationId });
  useLiveAnswer(getStation, { stationId }, { types: ["station."], stationId }, (answer, event) => {
    const next = applyStationEvent(answer.station, event);
    return typeof next === "object" ? { ...answer, station: next } : next;
  });
  return query;
}

export default function StationPage(props: { params: Record<string, string | undefined> }): ReactNode {
  const t = useStationText();
  const stationId = decodeURIComponent(props.params.stationId ?? "");
  const { data, error, refetch } = useStation(stationId);
  const others = useStationTabs(stationId);
  const mayCommand = useCommands().length > 0;
  const parent = { href: "/stations", label: t.title };
  const station = data?.station;
  if (!station) {
    return (
      <Page title={stationId} parent={parent}>
        {!error && <Skeleton kind="cards" lines={4} />}
        {isNotFound(error) ? <Unknown /> : error ? <ErrorState error={error} onRetry={() => void refetch()} /> : null}
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
          ...(mayCommand ? [{ id: "commands", label: t.commands, content: <Commands station={station} /> }] : []),
          ...others,
        ]}
      />
    </Page>
  );
}

function Unknown() {
  const t = useStationText();
  return (
    <EmptyState title={t.unknownTitle} icon="search" action={<LinkButton href="/stations">{t.toStations}</LinkButton>}>
      <p>{t.unknownText}</p>
    </EmptyState>
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

/** The security profile, with the one that the station was sent and has not connected by yet. */
function profileText(t: StationText, station: Station): string {
  const { securityProfile, nextSecurityProfile } = station;
  const profile = `${String(securityProfile)} (${profileWord(t, securityProfile)})`;
  return nextSecurityProfile === 0 ? profile : `${profile}, ${t.nextProfile(String(nextSecurityProfile))}`;
}

function profileWord(t: StationText, profile: number): string {
  return [t.profileNone, t.profileBasic, t.profileTls, t.profileCertificate][profile] ?? "";
}

/** The encryption of a connection, and the certificate by which its station proved itself. */
function tlsFacts(t: StationText, connection: Connection | undefined) {
  if (!connection) return [];
  const { tls } = connection;
  if (!tls) return [{ label: t.tls, value: t.notEncrypted }];
  const certificate = tls.clientCertificate;
  return [
    { label: t.tls, value: tls.endsInFront ? t.endsInFront : `${tls.version}, ${tls.cipherSuite}` },
    certificate && { label: t.certificate, value: certificate.commonName },
    certificate && { label: t.certificateSerial, value: certificate.serialNumber },
    certificate && { label: t.certificateEnds, value: <Time value={certificate.expireTime} /> },
  ];
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
              !station.connected && { label: t.lastSeen, value: <Time value={station.lastSeenTime} none={t.never} /> },
              connection?.connectTime &&
                station.connected && { label: t.since, value: <Time value={connection.connectTime} /> },
              { label: t.ocppVersion, value: connection?.ocppVersion },
              { label: t.address, value: connection?.remoteAddress },
              { label: t.node, value: connection?.nodeId },
              { label: t.securityProfile, value: profileText(t, station) },
              ...tlsFacts(t, connection),
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
  const sessions = useOngoing(props.station.stationId);
  // Held here: the session ends, and with it what is shown at the connector, before the answer is read.
  const [stopping, setStopping] = useState<Transaction>();
  if (places.length === 0) return <p>{t.noConnectors}</p>;
  return (
    <>
      <ul className={styles.cards}>
        {places.map((place) => (
          <ConnectorCard
            key={`${String(place.evseId)}.${String(place.connector.connectorId)}`}
            {...place}
            isConnected={props.station.connected}
            session={sessionAt(sessions, place.evseId, place.connector.connectorId)}
            onStop={setStopping}
          />
        ))}
      </ul>
      {stopping && (
        <StopDialog
          session={stopping}
          onClose={() => {
            setStopping(undefined);
          }}
        />
      )}
    </>
  );
}

interface ConnectorCardProps extends ConnectorPlace {
  isConnected: boolean;
  session: Transaction | undefined;
  onStop: (session: Transaction) => void;
}

function ConnectorCard(props: ConnectorCardProps) {
  const t = useStationText();
  const { evseId, connector } = props;
  const state = props.isConnected ? connectorState(connector) : "offline";
  const place = connector.connectorId > 1 ? `${String(evseId)}.${String(connector.connectorId)}` : String(evseId);
  const hasError = connector.errorCode !== "" && connector.errorCode !== "NoError";
  return (
    <li className={styles.card}>
      <Socket state={state} />
      <div className={styles.cardText}>
        <div className={styles.cardHead}>
          <h3>{t.connectorName(place)}</h3>
          <StateMark state={state} />
        </div>
        <div className={styles.cardFacts}>
          {connector.reportedStatus && <span>{t.reportedAs(connector.reportedStatus)}</span>}
          {connector.statusTime && <Since value={connector.statusTime} />}
          {hasError && <Badge tone="bad">{connector.errorCode}</Badge>}
        </div>
        {props.session && <ConnectorSession session={props.session} onStop={props.onStop} />}
      </div>
    </li>
  );
}

import { connectorsOf, connectorState, stationState, Time } from "../../formats";
import { stationHref } from "../../resources/hrefs";
import { RegistrationStatus, StationConditionType, type Station } from "../../stubs/csms/station/v1/station_pb";
import type { Column } from "../../tables";
import { Badge, ConnectorMark, Link, StateMark } from "../../ui";
import type { State } from "../../ui";
import styles from "./stations.module.css";
import type { StationText } from "./text";

export function nameOf(station: Pick<Station, "displayName" | "stationId">): string {
  return station.displayName || station.stationId;
}

export function conditionWord(t: StationText, type: StationConditionType): string {
  switch (type) {
    case StationConditionType.UNRESPONSIVE:
      return t.unresponsive;
    case StationConditionType.CLOCK_SKEW:
      return t.clockSkew;
    case StationConditionType.BOOT_REFUSED:
      return t.bootRefused;
    default:
      return t.problem;
  }
}

export function Connectors(props: { station: Station; words: Readonly<Record<State, string>>; t: StationText }) {
  const places = connectorsOf(props.station);
  return (
    <span className={styles.connectors}>
      {places.map(({ evseId, connector }) => {
        const state = props.station.connected ? connectorState(connector) : "offline";
        const place = connector.connectorId > 1 ? `${String(evseId)}.${String(connector.connectorId)}` : String(evseId);
        return (
          <ConnectorMark key={place} state={state} label={props.t.connector(place, props.words[state])}>
            {place}
          </ConnectorMark>
        );
      })}
    </span>
  );
}

function Registration(props: { status: RegistrationStatus; t: StationText }) {
  const { status, t } = props;
  if (status === RegistrationStatus.ACCEPTED) return <>{t.accepted}</>;
  return status === RegistrationStatus.PENDING ? (
    <Badge tone="warning">{t.pending}</Badge>
  ) : (
    <Badge tone="bad">{t.rejected}</Badge>
  );
}

export function stationColumns(t: StationText, words: Readonly<Record<State, string>>): Column<Station>[] {
  return [
    {
      id: "state",
      label: t.state,
      width: "136px",
      card: "head",
      orderBy: "connected",
      cell: (station) => <StateMark state={stationState(station)} />,
    },
    {
      id: "name",
      label: t.name,
      width: "minmax(160px, 1.6fr)",
      card: "head",
      orderBy: "display_name",
      cell: (station) => (
        <Link href={stationHref(station.stationId)} className={styles.name}>
          {nameOf(station)}
        </Link>
      ),
    },
    {
      id: "id",
      label: t.id,
      optional: true,
      orderBy: "station_id",
      cell: (station) => station.stationId,
      card: "none",
    },
    {
      id: "site",
      label: t.site,
      orderBy: "site_id",
      cell: (station) => station.siteId || null,
    },
    {
      id: "connectors",
      label: t.connectors,
      width: "minmax(140px, 1fr)",
      cell: (station) => <Connectors station={station} words={words} t={t} />,
    },
    {
      id: "conditions",
      label: t.conditions,
      width: "minmax(136px, 1fr)",
      cell: (station) =>
        station.conditions.length > 0 && (
          <span className={styles.connectors}>
            {station.conditions.map((condition) => (
              <Badge key={condition.type} tone="bad" title={condition.reason}>
                {conditionWord(t, condition.type)}
              </Badge>
            ))}
          </span>
        ),
    },
    {
      id: "lastSeen",
      label: t.lastSeen,
      width: "136px",
      orderBy: "last_seen_time",
      cell: (station) => (station.connected ? t.online : <Time value={station.lastSeenTime} none={t.never} />),
    },
    {
      id: "version",
      label: t.ocppVersion,
      width: "80px",
      orderBy: "ocpp_version",
      cell: (station) => station.connection?.ocppVersion ?? null,
    },
    {
      id: "model",
      label: t.model,
      card: "none",
      orderBy: "model",
      cell: (station) => station.identity?.model ?? null,
    },
    {
      id: "vendor",
      label: t.vendor,
      card: "none",
      optional: true,
      orderBy: "vendor_name",
      cell: (station) => station.identity?.vendorName ?? null,
    },
    {
      id: "firmware",
      label: t.firmware,
      width: "110px",
      card: "none",
      orderBy: "firmware_version",
      cell: (station) => station.identity?.firmwareVersion ?? null,
    },
    {
      id: "serial",
      label: t.serial,
      card: "none",
      optional: true,
      cell: (station) => station.identity?.serialNumber ?? null,
    },
    {
      id: "registration",
      label: t.registration,
      card: "none",
      optional: true,
      cell: (station) => <Registration status={station.registrationStatus} t={t} />,
    },
    {
      id: "address",
      label: t.address,
      card: "none",
      optional: true,
      cell: (station) => station.connection?.remoteAddress ?? null,
    },
    {
      id: "added",
      label: t.added,
      card: "none",
      optional: true,
      orderBy: "create_time",
      cell: (station) => <Time value={station.createTime} />,
    },
  ];
}

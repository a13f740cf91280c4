import { Since, Time, useFormats } from "../../formats";
import { sessionHref, stationHref } from "../../resources/hrefs";
import { ChargingState } from "../../stubs/csms/transaction/v1/transaction_event_pb";
import type { Transaction } from "../../stubs/csms/transaction/v1/transaction_service_pb";
import type { Column } from "../../tables";
import { Badge, Link, StateMark } from "../../ui";
import styles from "./sessions.module.css";
import type { SessionText } from "./text";
import { chargingWord, durationS, isOpen, originWord, placeOf, reasonWord, type Words } from "./words";

export function SessionState(props: { session: Transaction; t: SessionText }) {
  const { session, t } = props;
  if (!isOpen(session)) return <Badge>{t.ended}</Badge>;
  if (session.hanging) return <Badge tone="warning">{t.hanging}</Badge>;
  const isPaused =
    session.chargingState !== ChargingState.UNSPECIFIED && session.chargingState !== ChargingState.CHARGING;
  const word = chargingWord(t, session.chargingState);
  return <StateMark state={isPaused ? "occupied" : "charging"}>{word || t.active}</StateMark>;
}

function Duration(props: { session: Transaction }) {
  const formats = useFormats();
  const { session } = props;
  const begin = session.startTime ?? session.createTime;
  if (isOpen(session)) return begin ? <Since value={begin} /> : <>–</>;
  const seconds = durationS(session);
  return <>{seconds === undefined ? "–" : formats.duration(seconds)}</>;
}

function KWh(props: { value: number | undefined }) {
  const formats = useFormats();
  return <>{props.value === undefined ? "–" : formats.kWh(props.value)}</>;
}

function Power(props: { session: Transaction }) {
  const formats = useFormats();
  return <>{props.session.powerW === undefined ? "–" : formats.kW(props.session.powerW)}</>;
}

export function Flags(props: { session: Transaction; t: SessionText }) {
  const names = props.t.flagNames as Words;
  if (props.session.flags.length === 0) return <>–</>;
  return (
    <span className={styles.badges}>
      {props.session.flags.map((flag) => (
        <Badge key={flag} tone="warning">
          {names[flag] ?? flag}
        </Badge>
      ))}
    </span>
  );
}

export { Duration, KWh };

export function sessionColumns(t: SessionText): Column<Transaction>[] {
  return [
    {
      id: "state",
      label: t.state,
      width: "150px",
      card: "head",
      cell: (session) => <SessionState session={session} t={t} />,
    },
    {
      id: "start",
      label: t.start,
      width: "150px",
      card: "head",
      orderBy: "start_time",
      cell: (session) => (
        <Link href={sessionHref(session)} className={styles.name}>
          <Time value={session.startTime ?? session.createTime} />
        </Link>
      ),
    },
    {
      id: "station",
      label: t.station,
      width: "minmax(120px, 1.2fr)",
      orderBy: "station_id",
      cell: (session) => <Link href={stationHref(session.stationId)}>{session.stationId}</Link>,
    },
    { id: "evse", label: t.evse, width: "64px", cell: placeOf },
    { id: "token", label: t.token, cell: (session) => session.idToken?.idToken ?? "–" },
    { id: "duration", label: t.duration, width: "144px", cell: (session) => <Duration session={session} /> },
    {
      id: "energy",
      label: t.energy,
      width: "120px",
      align: "end",
      orderBy: "energy_wh",
      cell: (session) => <KWh value={session.energyWh} />,
    },
    { id: "power", label: t.power, width: "100px", align: "end", cell: (session) => <Power session={session} /> },
    {
      id: "flags",
      label: t.flags,
      width: "minmax(160px, 1.6fr)",
      cell: (session) => <Flags session={session} t={t} />,
    },
    {
      id: "end",
      label: t.end,
      width: "150px",
      card: "none",
      optional: true,
      cell: (session) => <Time value={session.endTime} />,
    },
    { id: "name", label: t.id, optional: true, card: "none", cell: (session) => session.transactionId },
    {
      id: "reason",
      label: t.reason,
      optional: true,
      card: "none",
      width: "minmax(180px, 1.2fr)",
      cell: (session) => reasonWord(t, session.stoppedReason) || "–",
    },
    {
      id: "origin",
      label: t.endOrigin,
      optional: true,
      card: "none",
      cell: (session) => originWord(t, session.endOrigin) || "–",
    },
    {
      id: "meterStart",
      label: t.meterStart,
      optional: true,
      card: "none",
      width: "150px",
      align: "end",
      cell: (session) => <KWh value={session.believedMeterStartWh} />,
    },
    {
      id: "meterStop",
      label: t.meterStop,
      optional: true,
      card: "none",
      width: "150px",
      align: "end",
      cell: (session) => <KWh value={session.believedMeterStopWh} />,
    },
  ];
}

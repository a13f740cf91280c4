// The events of a session as the station sent them; each can be read whole.
import { getOption, hasOption, type DescEnum } from "@bufbuild/protobuf";
import { timestampMs, type Timestamp } from "@bufbuild/protobuf/wkt";
import { useState } from "react";

import { useFormats } from "../../formats";
import { MessageView } from "../../forms";
import { localeOf, useLanguage } from "../../i18n/catalogue";
import { ocpp_word } from "../../stubs/csms/options/v1/options_pb";
import {
  ChargingStateSchema,
  TransactionEventType,
  TriggerReasonSchema,
} from "../../stubs/csms/transaction/v1/transaction_event_pb";
import {
  RecordedTransactionEventSchema,
  type RecordedTransactionEvent,
} from "../../stubs/csms/transaction/v1/transaction_service_pb";
import { DataTable, type Column } from "../../tables";
import { Badge, Dialog, EmptyState, Section } from "../../ui";
import { isRefused } from "./marks";
import styles from "./sessions.module.css";
import { useSessionText, type SessionText } from "./text";
import { eventKey } from "./useSession";

/** The station's own word for a value. */
function stationWord(desc: DescEnum, number: number): string {
  const value = number === 0 ? undefined : desc.value[number];
  return value && hasOption(value, ocpp_word) ? getOption(value, ocpp_word) : "";
}

function kindWord(t: SessionText, type: TransactionEventType | undefined): string {
  const name = TransactionEventType[type ?? TransactionEventType.UNSPECIFIED];
  return (t.kinds as Readonly<Record<string, string>>)[name] ?? "–";
}

/** The measured values, in short: the first values with their units. */
function valuesText({ event }: RecordedTransactionEvent): string {
  const values = (event?.meterValues ?? []).flatMap(({ sampledValues }) => sampledValues);
  const shown = values.slice(0, 3).map((value) => `${value.value} ${value.unit || "Wh"}`.trim());
  return [...shown, ...(values.length > 3 ? [`+ ${String(values.length - 3)}`] : [])].join(", ");
}

/** Day and time to the second; the year and the zone on hover. */
function Moment(props: { value: Timestamp | undefined }) {
  const formats = useFormats();
  const locale = localeOf(useLanguage());
  if (!props.value) return <>–</>;
  const ms = timestampMs(props.value);
  const text = new Intl.DateTimeFormat(locale, {
    day: "numeric",
    month: "short",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
  }).format(ms);
  return (
    <time dateTime={new Date(ms).toISOString()} title={formats.dateTime(ms)}>
      {text}
    </time>
  );
}

function useColumns(): Column<RecordedTransactionEvent>[] {
  const t = useSessionText();
  return [
    {
      id: "kind",
      label: t.kind,
      width: "120px",
      card: "head",
      cell: ({ event }) => kindWord(t, event?.eventType),
    },
    {
      id: "time",
      label: t.stationTime,
      width: "minmax(140px, 1fr)",
      card: "head",
      cell: ({ event }) => <Moment value={event?.eventTime} />,
    },
    {
      id: "received",
      label: t.received,
      width: "minmax(140px, 1fr)",
      cell: ({ receiveTime }) => <Moment value={receiveTime} />,
    },
    { id: "seq", label: t.seq, width: "56px", align: "end", cell: ({ event }) => event?.seqNo ?? "–" },
    {
      id: "trigger",
      label: t.trigger,
      width: "minmax(140px, 1fr)",
      cell: ({ event }) => (
        <span className={styles.badges}>
          <span className={styles.word}>{stationWord(TriggerReasonSchema, event?.triggerReason ?? 0) || "–"}</span>
          {event?.offline && <Badge>{t.late}</Badge>}
        </span>
      ),
    },
    {
      id: "charging",
      label: t.chargingState,
      width: "minmax(110px, 1fr)",
      cell: ({ event }) => (
        <span className={styles.word}>{stationWord(ChargingStateSchema, event?.chargingState ?? 0) || "–"}</span>
      ),
    },
    {
      id: "token",
      label: t.token,
      cell: ({ event, authorizationStatus }) => (
        <span className={styles.badges}>
          {event?.idToken?.idToken ?? "–"}
          {isRefused(authorizationStatus) && <Badge tone="bad">{t.refused}</Badge>}
        </span>
      ),
    },
    { id: "values", label: t.values, width: "minmax(180px, 1.6fr)", cell: valuesText },
  ];
}

export function SessionEvents(props: { events: readonly RecordedTransactionEvent[]; isStale: boolean }) {
  const t = useSessionText();
  const columns = useColumns();
  const [opened, setOpened] = useState<RecordedTransactionEvent>();
  return (
    <Section title={t.events} flush>
      {props.events.length === 0 ? (
        <EmptyState title={t.noEvents} icon="event" />
      ) : (
        <DataTable
          label={t.events}
          columns={columns}
          rows={props.events}
          rowKey={eventKey}
          rowName={({ event }) => kindWord(t, event?.eventType)}
          onOpen={setOpened}
          compact
          maxRows={14}
          isStale={props.isStale}
        />
      )}
      <Dialog
        title={t.eventDetails}
        isOpen={opened !== undefined}
        onClose={() => {
          setOpened(undefined);
        }}
        wide
      >
        {opened && <MessageView desc={RecordedTransactionEventSchema} message={opened} />}
      </Dialog>
    </Section>
  );
}

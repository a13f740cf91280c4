// An exchange: the request in the lane of its sender, the answer in the other, and the time between them.
import { useEffect, useRef, useState, type ReactNode } from "react";

import { useFormats } from "../../formats";
import { startOfDay, viewerZone } from "../../formats/zones";
import { sessionHref } from "../../resources/hrefs";
import type { Message } from "../../stubs/csms/station/v1/station_pb";
import { Badge, CodeBlock, cx, Icon, Link } from "../../ui";
import { prettyJson, summaryOf, transactionOf } from "./content";
import styles from "./MessageLog.module.css";
import { frameKey, isFromStation, type Exchange } from "./frames";
import type { Text } from "./text";

const KINDS: Readonly<Record<number, string>> = {
  2: "CALL",
  3: "CALLRESULT",
  4: "CALLERROR",
  5: "CALLRESULTERROR",
  6: "SEND",
};

function Frame(props: { frame: Message; exchange: Exchange; t: Text }) {
  const { frame, exchange, t } = props;
  const isAnswer = frame === exchange.answer;
  const isBad = exchange.isError && (isAnswer || !exchange.answer);
  return (
    <div className={cx(styles.frame, isAnswer && styles.answer, isBad && styles.bad)}>
      <span className={styles.kind}>
        {isBad && <Icon name="alert" size={14} />}
        {isAnswer ? (
          <Badge tone={isBad ? "bad" : "neutral"}>{KINDS[frame.messageType] ?? t.unreadable}</Badge>
        ) : (
          <strong>{exchange.action || t.unreadable}</strong>
        )}
        {!isAnswer && isBad && <Badge tone="bad">{KINDS[frame.messageType] ?? t.unreadable}</Badge>}
      </span>
      <span className={styles.summary}>{summaryOf(frame, exchange.action, t.words)}</span>
    </div>
  );
}

function Lane(props: { exchange: Exchange; fromStation: boolean; t: Text }) {
  const { exchange, fromStation, t } = props;
  const frame = [exchange.request, exchange.answer].find((one) => one && isFromStation(one) === fromStation);
  const awaits = exchange.request?.messageType === 2 && !exchange.answer;
  return (
    <div className={styles.lane} data-lane={fromStation ? t.station : t.central}>
      {frame ? (
        <Frame frame={frame} exchange={exchange} t={t} />
      ) : (
        awaits && <span className={styles.none}>{t.noAnswer}</span>
      )}
    </div>
  );
}

/** The way of the request, and how long the answer took. */
function Between(props: { exchange: Exchange; t: Text }) {
  const formats = useFormats();
  const { request, answer, tookMs } = props.exchange;
  const first = request ?? answer;
  const toRight = first !== undefined && isFromStation(first);
  const took = tookMs === undefined ? "" : props.t.took(formats.number(Math.max(0, tookMs)));
  return (
    <div className={styles.between}>
      <span aria-label={toRight ? props.t.fromStation : props.t.toStation} role="img">
        <Icon name={toRight ? "chevronRight" : "chevronLeft"} size={16} />
      </span>
      {took}
    </div>
  );
}

/** A time of this day needs no date beside it. */
function isToday(timeMs: number): boolean {
  return timeMs >= startOfDay(Date.now(), viewerZone());
}

export function ExchangeRow(props: {
  exchange: Exchange;
  stationId: string;
  isOpen: boolean;
  onToggle: () => void;
  t: Text;
}): ReactNode {
  const { exchange, stationId, isOpen, onToggle, t } = props;
  const formats = useFormats();
  const row = useRef<HTMLLIElement>(null);
  const [wasOpen] = useState(isOpen);
  useEffect(() => {
    // Open from the first: the address named it, and it may be far down.
    if (wasOpen) row.current?.scrollIntoView({ block: "center" });
  }, [wasOpen]);
  const transaction = transactionOf(exchange);
  const frames = [exchange.request, exchange.answer].filter((frame) => frame !== undefined);
  const href = sessionHref({ stationId, transactionId: transaction });
  return (
    <li ref={row} className={cx(styles.exchange, exchange.isError && styles.error)}>
      <div className={styles.row}>
        <button type="button" className={styles.toggle} aria-expanded={isOpen} onClick={onToggle}>
          <Icon name={isOpen ? "chevronDown" : "chevronRight"} size={16} />
          <time dateTime={new Date(exchange.timeMs).toISOString()} title={formats.dateTime(exchange.timeMs)}>
            {isToday(exchange.timeMs) || <span className={styles.day}>{formats.date(exchange.timeMs)} </span>}
            {formats.exactTime(exchange.timeMs)}
          </time>
          <span className="visually-hidden"> {t.open(exchange.action || t.unreadable)}</span>
        </button>
        <Lane exchange={exchange} fromStation t={t} />
        <Between exchange={exchange} t={t} />
        <Lane exchange={exchange} fromStation={false} t={t} />
        <div className={styles.session}>{transaction && <Link href={href}>{t.session}</Link>}</div>
      </div>
      {isOpen && (
        <div className={styles.opened}>
          {frames.map((frame) => (
            <CodeBlock
              key={frameKey(frame)}
              label={`${isFromStation(frame) ? t.station : t.central} · ${KINDS[frame.messageType] ?? t.unreadable}`}
              text={prettyJson(frame)}
            />
          ))}
        </div>
      )}
    </li>
  );
}

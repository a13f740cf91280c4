import { useMemo, type ReactNode } from "react";

import { isNotFound } from "../../api/errors";
import { Time, useFormats } from "../../formats";
import { useLiveState } from "../../live";
import { stationHref } from "../../resources/hrefs";
import type { RecordedTransactionEvent, Transaction } from "../../stubs/csms/transaction/v1/transaction_service_pb";
import {
  Columns,
  EmptyState,
  ErrorState,
  Facts,
  Figure,
  Icon,
  Link,
  LinkButton,
  Page,
  Section,
  Skeleton,
  useUrlState,
} from "../../ui";
import { Duration, KWh, SessionState } from "./columns";
import { findingsOf } from "./findings";
import { readingsOf } from "./readings";
import { SessionActions } from "./SessionActions";
import { SessionEvents } from "./SessionEvents";
import { SessionMeter } from "./SessionMeter";
import styles from "./sessions.module.css";
import { useSessionText } from "./text";
import { useSession, useSessionEvents } from "./useSession";
import { basisWord, chargingWord, isOpen, originWord, placeOf, reasonWord } from "./words";

export default function SessionPage(props: { params: Record<string, string | undefined> }): ReactNode {
  const t = useSessionText();
  const generation = Number(useUrlState().get("generation"));
  const stationId = decodeURIComponent(props.params.stationId ?? "");
  const transactionId = decodeURIComponent(props.params.transactionId ?? "");
  const { session, error, refetch } = useSession({
    stationId,
    transactionId,
    generation: Number.isSafeInteger(generation) && generation > 0 ? generation : 0,
  });
  const parent = { href: "/sessions", label: t.title };
  const title = t.session(transactionId);
  if (!session) {
    return (
      <Page title={title} parent={parent}>
        {!error && <Skeleton kind="cards" lines={4} />}
        {isNotFound(error) ? <Unknown /> : error ? <ErrorState error={error} onRetry={refetch} /> : null}
      </Page>
    );
  }
  return (
    <Page
      title={title}
      parent={parent}
      meta={<Meta session={session} />}
      actions={<SessionActions session={session} />}
    >
      <Body session={session} />
    </Page>
  );
}

function Unknown() {
  const t = useSessionText();
  return (
    <EmptyState title={t.unknownTitle} icon="search" action={<LinkButton href="/sessions">{t.toSessions}</LinkButton>}>
      <p>{t.unknownText}</p>
    </EmptyState>
  );
}

function Meta(props: { session: Transaction }) {
  const t = useSessionText();
  const { session } = props;
  return (
    <>
      <SessionState session={session} t={t} />
      <Link href={stationHref(session.stationId)}>{session.stationId}</Link>
      <span>{`${t.evse} ${placeOf(session)}`}</span>
      {session.idToken && <span>{`${t.token} ${session.idToken.idToken}`}</span>}
    </>
  );
}

function Body(props: { session: Transaction }) {
  const { session } = props;
  const { rows, isLoading, error, refetch, isPartial } = useSessionEvents(session);
  const isStale = useLiveState().kind === "paused" && isOpen(session);
  return (
    <>
      <Figures session={session} events={rows} />
      <Findings session={session} events={rows} />
      {isLoading ? (
        <Skeleton kind="cards" lines={2} />
      ) : error && rows.length === 0 ? (
        <ErrorState error={error} onRetry={refetch} />
      ) : (
        <SessionMeter events={rows} isPartial={isPartial} isStale={isStale} />
      )}
      <SessionFacts session={session} />
      {!isLoading && <SessionEvents events={rows} isStale={isStale} />}
    </>
  );
}

function Figures(props: { session: Transaction; events: readonly RecordedTransactionEvent[] }) {
  const t = useSessionText();
  const formats = useFormats();
  const { session, events } = props;
  const readings = useMemo(() => readingsOf(events), [events]);
  const peak = Math.max(...readings.power.map(({ value }) => value));
  const soc = readings.soc.at(-1);
  const firstSoc = readings.soc[0];
  return (
    <div className={styles.figures}>
      <Figure label={t.energy} value={formats.kWh(session.energyWh)} />
      <Figure label={t.duration} value={<Duration session={session} />} />
      {isOpen(session) && (
        <Figure label={t.power} value={session.powerW === undefined ? "–" : formats.kW(session.powerW)} />
      )}
      <Figure label={t.peakPower} value={Number.isFinite(peak) ? formats.kW(peak) : "–"} />
      {soc && (
        <Figure
          label={t.soc}
          value={formats.percent(soc.value / 100)}
          note={firstSoc && firstSoc !== soc ? t.socBefore(formats.percent(firstSoc.value / 100)) : undefined}
        />
      )}
    </div>
  );
}

function Findings(props: { session: Transaction; events: readonly RecordedTransactionEvent[] }) {
  const t = useSessionText();
  const formats = useFormats();
  const { session, events } = props;
  const found = useMemo(
    () => findingsOf({ session, register: readingsOf(events).register, t, formats }),
    [session, events, t, formats],
  );
  return (
    <Section title={t.findings}>
      {found.length === 0 ? (
        <p className={styles.good}>
          <Icon name="check" size={16} />
          {isOpen(session) ? t.noFindingsOpen : t.noFindings}
        </p>
      ) : (
        <ul className={styles.findings}>
          {found.map((one) => (
            <li key={one.id} className={styles.finding}>
              <Icon name={one.id === "reassessed" ? "info" : "alert"} size={18} />
              <div className={styles.findingText}>
                <span className={styles.findingKind}>{one.isEnergy ? t.aboutEnergy : t.aboutSession}</span>
                <span>{one.text}</span>
              </div>
            </li>
          ))}
        </ul>
      )}
    </Section>
  );
}

function SessionFacts(props: { session: Transaction }) {
  const t = useSessionText();
  const { session } = props;
  const differs = (reported: number | undefined, believed: number | undefined) =>
    reported !== undefined && reported !== believed;
  return (
    <Section title={t.facts}>
      <Columns>
        <Facts
          facts={[
            { label: t.station, value: <Link href={stationHref(session.stationId)}>{session.stationId}</Link> },
            { label: t.evse, value: placeOf(session) },
            { label: t.id, value: session.transactionId },
            session.generation > 1 && { label: t.generation, value: session.generation },
            { label: t.token, value: session.idToken?.idToken ?? t.noToken },
            { label: t.tokenType, value: session.idToken?.type },
            { label: t.remoteStart, value: session.remoteStartId },
            isOpen(session) && { label: t.chargingState, value: chargingWord(t, session.chargingState) },
            { label: t.reason, value: reasonWord(t, session.stoppedReason) },
            { label: t.endOrigin, value: originWord(t, session.endOrigin) },
          ]}
        />
        <Facts
          facts={[
            { label: t.started, value: <Time value={session.startTime} absolute /> },
            session.endTime && { label: t.endedAt, value: <Time value={session.endTime} absolute /> },
            { label: t.duration, value: <Duration session={session} /> },
            { label: t.lastEvent, value: <Time value={session.updateTime} absolute /> },
            { label: t.eventCount, value: session.eventCount },
          ]}
        />
        <Facts
          facts={[
            { label: t.energy, value: <KWh value={session.energyWh} /> },
            { label: t.basis, value: basisWord(t, session.energyBasis) },
            { label: t.meterStart, value: <KWh value={session.believedMeterStartWh} /> },
            differs(session.meterStartWh, session.believedMeterStartWh) && {
              label: t.meterStartReported,
              value: <KWh value={session.meterStartWh} />,
            },
            { label: t.meterStop, value: <KWh value={session.believedMeterStopWh} /> },
            differs(session.meterStopWh, session.believedMeterStopWh) && {
              label: t.meterStopReported,
              value: <KWh value={session.meterStopWh} />,
            },
            { label: t.profile, value: session.meterProfileId },
            session.reassessTime && {
              label: t.reassessed,
              value: (
                <>
                  <Time value={session.reassessTime} /> {t.by(session.reassessedBy)}
                </>
              ),
            },
          ]}
        />
      </Columns>
    </Section>
  );
}

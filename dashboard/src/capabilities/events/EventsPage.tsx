import { useState, type ReactNode } from "react";

import { Time } from "../../formats";
import { useLiveEvents, type LiveEvent } from "../../live";
import { ResourceList, textColumn, timeColumn } from "../../resources";
import { stationHref } from "../../resources/hrefs";
import { EventSchema, EventService, type Event } from "../../stubs/csms/event/v1/event_service_pb";
import { DataTable, type Column } from "../../tables";
import { Button, EmptyState, Link, Page, Tabs } from "../../ui";
import { useText, type Text } from "./text";

const MOST_SHOWN = 500;
const SOURCES = ["station", "transaction", "auth"];

function stationLink(stationId: string): ReactNode {
  return stationId ? <Link href={stationHref(stationId)}>{stationId}</Link> : "–";
}

function liveColumns(t: Text): Column<LiveEvent>[] {
  return [
    { id: "time", label: t.time, width: "150px", cell: (row) => <Time value={row.timeMs} /> },
    textColumn("type", t.type, (row) => row.type, { card: "head", width: "minmax(180px, 1fr)" }),
    { id: "station", label: t.station, card: "head", cell: (row) => stationLink(row.stationId) },
    textColumn("actor", t.actor, (row) => row.actor),
    { id: "data", label: t.data, width: "minmax(220px, 2fr)", cell: (row) => <code>{JSON.stringify(row.data)}</code> },
  ];
}

/** The events that happen while the page is open, the newest first. */
function LiveTail(): ReactNode {
  const t = useText();
  const [rows, setRows] = useState<readonly LiveEvent[]>([]);
  const [isPaused, setPaused] = useState(false);
  useLiveEvents({}, (events) => {
    if (isPaused) return;
    setRows((present) => [...[...events].reverse(), ...present].slice(0, MOST_SHOWN));
  });
  if (rows.length === 0) {
    return (
      <EmptyState title={t.waiting} icon="event">
        <p>{t.waitingText}</p>
      </EmptyState>
    );
  }
  return (
    <>
      <div>
        <Button
          icon={isPaused ? "play" : "pause"}
          onPress={() => {
            setPaused(!isPaused);
          }}
        >
          {isPaused ? t.resume : t.pause}
        </Button>
        {isPaused && <span role="status"> {t.paused}</span>}
      </div>
      <DataTable label={t.live} columns={liveColumns(t)} rows={rows} rowKey={(row) => row.id} fill compact />
    </>
  );
}

function KeptEvents(): ReactNode {
  const t = useText();
  return (
    <ResourceList
      name="kept"
      label={t.kept}
      method={EventService.method.listEvents}
      field="events"
      schema={EventSchema}
      rowKey={(row) => row.eventId}
      rowName={(row) => row.type}
      columns={[
        timeColumn<Event>("time", t.time, (row) => row.eventTime),
        textColumn<Event>("type", t.type, (row) => row.type, { card: "head", width: "minmax(180px, 1fr)" }),
        { id: "station", label: t.station, card: "head", cell: (row: Event) => stationLink(row.stationId) },
        textColumn<Event>("source", t.source, (row) => row.source, { width: "120px" }),
        textColumn<Event>("actor", t.actor, (row) => row.actor),
        {
          id: "data",
          label: t.data,
          width: "minmax(220px, 2fr)",
          card: "none",
          cell: (row: Event) => <code>{JSON.stringify(row.data)}</code>,
        },
      ]}
      filters={[
        {
          id: "source",
          label: t.source,
          options: SOURCES.map((source) => ({ id: source, label: source })),
          clause: (value) => `source = "${value}"`,
        },
      ]}
      compact
      empty={<EmptyState title={t.none} icon="event" />}
    />
  );
}

export default function EventsPage(): ReactNode {
  const t = useText();
  return (
    <Page title={t.title} fill>
      <Tabs
        label={t.title}
        tabs={[
          { id: "live", label: t.live, content: <LiveTail /> },
          { id: "kept", label: t.kept, content: <KeptEvents /> },
        ]}
      />
    </Page>
  );
}

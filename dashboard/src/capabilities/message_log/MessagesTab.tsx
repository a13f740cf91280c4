import { useQueryClient } from "@tanstack/react-query";
import type { ReactNode } from "react";

import { invalidate } from "../../api/queries";
import { ResourceList, textColumn, timeColumn } from "../../resources";
import { MessageDirection, MessageSchema, type Message } from "../../stubs/csms/station/v1/station_pb";
import { StationService } from "../../stubs/csms/station/v1/station_service_pb";
import type { Column } from "../../tables";
import { Badge, Button, EmptyState } from "../../ui";
import { useText, type Text } from "./text";

const { method } = StationService;
// Message types of OCPP-J (1.6J, 4.1.3; 2.1 has SEND).
const CALL_ERROR = 4;
const KINDS: Readonly<Record<number, string>> = {
  2: "CALL",
  3: "CALLRESULT",
  4: "CALLERROR",
  5: "CALLRESULTERROR",
  6: "SEND",
};

function isFromStation(row: Message): boolean {
  return row.direction === MessageDirection.RECEIVED;
}

function columnsOf(t: Text): Column<Message>[] {
  return [
    timeColumn<Message>("time", t.time, (row) => row.messageTime),
    {
      id: "direction",
      label: t.direction,
      width: "160px",
      sortBy: (row) => row.direction,
      cell: (row) => (
        <Badge tone={isFromStation(row) ? "accent" : "neutral"}>
          {isFromStation(row) ? t.fromStation : t.toStation}
        </Badge>
      ),
    },
    textColumn<Message>("action", t.action, (row) => row.action, { card: "head", width: "minmax(160px, 1fr)" }),
    {
      id: "type",
      label: t.type,
      width: "130px",
      sortBy: (row) => row.messageType,
      cell: (row) => (
        <Badge tone={row.messageType === CALL_ERROR ? "bad" : "neutral"}>
          {KINDS[row.messageType] ?? row.messageType}
        </Badge>
      ),
    },
    { id: "payload", label: t.payload, width: "minmax(260px, 3fr)", cell: (row) => <code>{row.payload}</code> },
    textColumn<Message>("id", t.id, (row) => row.messageId, { optional: true }),
  ];
}

/** The message log of a station, the newest frames first. */
export default function MessagesTab(props: { stationId: string }): ReactNode {
  const t = useText();
  const client = useQueryClient();
  return (
    <ResourceList
      name="messages"
      label={t.title}
      method={method.listMessages}
      field="messages"
      request={{ stationId: props.stationId }}
      schema={MessageSchema}
      rowKey={(row) => `${row.epoch.toString()} ${row.ordinal.toString()} ${String(row.direction)} ${row.messageId}`}
      rowName={(row) => row.action || row.messageId}
      columns={columnsOf(t)}
      searchText={(row) => `${row.action} ${row.messageId} ${row.payload}`}
      searchLabel={t.search}
      filters={[
        {
          id: "direction",
          label: t.direction,
          options: [
            { id: "RECEIVED", label: t.station },
            { id: "SENT", label: t.central },
          ],
          clause: (value) => `direction = "${value}"`,
        },
        {
          id: "kind",
          label: t.type,
          options: [{ id: String(CALL_ERROR), label: t.error }],
          clause: (value) => `message_type = ${value}`,
        },
      ]}
      tools={
        <Button
          icon="refresh"
          onPress={() => {
            invalidate(client, method.listMessages);
          }}
        >
          {t.refresh}
        </Button>
      }
      ignoreScope
      fill={false}
      compact
      empty={
        <EmptyState title={t.empty} icon="list">
          <p>{t.emptyText}</p>
        </EmptyState>
      }
    />
  );
}

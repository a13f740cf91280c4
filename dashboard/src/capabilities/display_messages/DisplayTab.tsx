import type { ReactNode } from "react";

import { dataText } from "../../live";
import { enumColumn, SectionList, textColumn, timeColumn } from "../../resources";
import { CommandService } from "../../stubs/csms/station/v1/command_service_pb";
import { MessagePrioritySchema, MessageStateSchema } from "../../stubs/csms/station/v1/display_message_pb";
import {
  DisplayMessageService,
  DisplayMessageState,
  DisplayMessageStateSchema,
  StationDisplayMessageSchema,
  type StationDisplayMessage,
} from "../../stubs/csms/station/v1/display_message_service_pb";
import { EmptyState } from "../../ui";
import { useText } from "./text";

const { method } = DisplayMessageService;
const commands = CommandService.method;

/** The messages on the display of a station, the newest first. */
export default function DisplayTab(props: { stationId: string }): ReactNode {
  const t = useText();
  const { stationId } = props;
  const station = () => ({ stationId });
  return (
    <SectionList
      name="displayMessages"
      label={t.title}
      method={method.listDisplayMessages}
      field="displayMessages"
      request={{ stationId }}
      schema={StationDisplayMessageSchema}
      rowKey={(row) => `${String(row.message?.displayMessageId)} ${String(row.createTime?.seconds)}`}
      rowName={(row) => row.message?.content ?? ""}
      columns={[
        enumColumn<StationDisplayMessage>("state", t.state, DisplayMessageStateSchema, (row) => row.state, {
          [DisplayMessageState.ACTIVE]: "accent",
          [DisplayMessageState.REJECTED]: "bad",
        }),
        textColumn<StationDisplayMessage>("message", t.message, (row) => String(row.message?.displayMessageId), {
          width: "100px",
        }),
        textColumn<StationDisplayMessage>("content", t.content, (row) => row.message?.content, {
          card: "head",
          width: "minmax(200px, 2fr)",
        }),
        enumColumn<StationDisplayMessage>(
          "priority",
          t.priority,
          MessagePrioritySchema,
          (row) => row.message?.priority ?? 0,
        ),
        enumColumn<StationDisplayMessage>(
          "shown",
          t.shown,
          MessageStateSchema,
          (row) => row.message?.shownState ?? 0,
          {},
          { optional: true },
        ),
        textColumn<StationDisplayMessage>("session", t.session, (row) => row.message?.transactionId, {
          optional: true,
        }),
        timeColumn<StationDisplayMessage>("from", t.from, (row) => row.message?.startTime),
        timeColumn<StationDisplayMessage>("until", t.until, (row) => row.message?.endTime),
      ]}
      creates={[
        { method: commands.setDisplayMessage, label: t.set, icon: "plus", fixed: station, keepsAnswer: true },
        { method: commands.getDisplayMessages, label: t.ask, icon: "refresh", fixed: station, keepsAnswer: true },
      ]}
      actions={[
        {
          method: commands.clearDisplayMessage,
          label: t.clear,
          icon: "trash",
          danger: true,
          isOffered: (row) => row.state === DisplayMessageState.ACTIVE || row.state === DisplayMessageState.UNKNOWN,
          fixed: (row) => ({ stationId, displayMessageId: row.message?.displayMessageId ?? 0 }),
          keepsAnswer: true,
        },
      ]}
      live={{
        filter: { types: ["display_message."], stationId },
        keyOf: (event) => dataText(event, "displayMessageId"),
        apply: () => "reload",
      }}
      empty={
        <EmptyState title={t.empty} icon="list">
          <p>{t.emptyText}</p>
        </EmptyState>
      }
    />
  );
}

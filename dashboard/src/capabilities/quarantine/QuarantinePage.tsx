import type { JsonObject } from "@bufbuild/protobuf";
import type { ReactNode } from "react";

import { dataText } from "../../live";
import { useFormats } from "../../formats";
import { enumColumn, numberColumn, ResourceList, rowJson, textColumn, timeColumn } from "../../resources";
import { TransactionEventTypeSchema } from "../../stubs/csms/transaction/v1/transaction_event_pb";
import {
  QuarantinedItemSchema,
  QuarantineState,
  QuarantineStateSchema,
  TransactionService,
  UnmatchedEventSchema,
  UnmatchedReasonSchema,
  type QuarantinedItem,
  type UnmatchedEvent,
} from "../../stubs/csms/transaction/v1/transaction_service_pb";
import { EmptyState, Page, Tabs } from "../../ui";
import { useText } from "./text";

const { method } = TransactionService;

function isOpen(item: QuarantinedItem): boolean {
  return item.state === QuarantineState.OPEN;
}

/** The content of a quarantined message, as the form for mending it begins with. */
function replacementOf(item: QuarantinedItem): JsonObject {
  const json = rowJson(QuarantinedItemSchema, item);
  const event = (json.transactionEvent as JsonObject | undefined)?.event;
  if (event) return { transactionEvent: event };
  const values = json.meterValues as JsonObject | undefined;
  if (values) return { meterValues: { evse: values.evse ?? null, meterValues: values.meterValues ?? [] } };
  return { payload: rawPayload(item) };
}

/** The payload of the frame as it came; an empty one where it is no JSON object. */
function rawPayload(item: QuarantinedItem): JsonObject {
  const text = item.content.case === "rawMessage" ? (item.content.value.raw?.payload ?? "") : "";
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === "object" && parsed !== null && !Array.isArray(parsed) ? (parsed as JsonObject) : {};
  } catch {
    return {};
  }
}

function Items(): ReactNode {
  const t = useText();
  const formats = useFormats();
  return (
    <ResourceList
      label={t.items}
      method={method.listQuarantinedItems}
      field="items"
      schema={QuarantinedItemSchema}
      rowKey={(row) => row.quarantineId}
      rowName={(row) => `${row.stationId} ${row.transactionId}`.trim()}
      columns={[
        enumColumn<QuarantinedItem>("state", t.state, QuarantineStateSchema, (row) => row.state, {
          [QuarantineState.OPEN]: "bad",
          [QuarantineState.RECORDED]: "good",
        }),
        textColumn<QuarantinedItem>("station", t.station, (row) => row.stationId, { card: "head" }),
        textColumn<QuarantinedItem>("transaction", t.transaction, (row) => row.transactionId),
        textColumn<QuarantinedItem>("reason", t.reason, (row) => row.reason),
        textColumn<QuarantinedItem>("message", t.message, (row) => row.message, { width: "minmax(220px, 2fr)" }),
        numberColumn<QuarantinedItem>(
          "runs",
          t.runs,
          (row) => row.runCount,
          (value) => formats.number(Number(value)),
          { width: "80px" },
        ),
        timeColumn<QuarantinedItem>("received", t.received, (row) => row.createTime),
        timeColumn<QuarantinedItem>("changed", t.changed, (row) => row.updateTime, { optional: true }),
      ]}
      filters={[
        {
          id: "state",
          label: t.state,
          options: [
            { id: "OPEN", label: t.open },
            { id: "RECORDED", label: t.recorded },
            { id: "DISMISSED", label: t.dismissed },
          ],
          clause: (value) => `state = "${value}"`,
        },
      ]}
      live={{
        filter: { types: ["quarantine."] },
        keyOf: (event) => dataText(event, "quarantineId"),
        apply: () => "reload",
      }}
      actions={[
        {
          method: method.mendQuarantinedItem,
          label: t.mend,
          icon: "edit",
          isOffered: isOpen,
          fixed: (row) => ({ quarantineId: row.quarantineId }),
          initial: replacementOf,
          keepsAnswer: true,
        },
        {
          method: method.rerunQuarantinedItem,
          label: t.rerun,
          icon: "refresh",
          isOffered: isOpen,
          fixed: (row) => ({ quarantineId: row.quarantineId }),
          keepsAnswer: true,
        },
        {
          method: method.getQuarantinedItem,
          label: t.look,
          icon: "search",
          fixed: (row) => ({ quarantineId: row.quarantineId }),
          keepsAnswer: true,
        },
        {
          method: method.dismissQuarantinedItem,
          label: t.dismiss,
          icon: "trash",
          danger: true,
          isOffered: isOpen,
          fixed: (row) => ({ quarantineId: row.quarantineId }),
          confirm: (row) => ({ title: `${t.dismiss}: ${row.stationId}`, text: t.dismissText }),
        },
      ]}
      empty={
        <EmptyState title={t.empty} icon="check">
          <p>{t.emptyText}</p>
        </EmptyState>
      }
    />
  );
}

function Unmatched(): ReactNode {
  const t = useText();
  return (
    <ResourceList
      name="unmatched"
      label={t.unmatched}
      method={method.listUnmatchedEvents}
      field="unmatchedEvents"
      schema={UnmatchedEventSchema}
      rowKey={(row) => `${row.stationId} ${String(row.event?.epoch)} ${String(row.event?.ordinal)}`}
      rowName={(row) => row.stationId}
      columns={[
        textColumn<UnmatchedEvent>("station", t.station, (row) => row.stationId, { card: "head" }),
        textColumn<UnmatchedEvent>("transaction", t.transaction, (row) => row.event?.event?.transactionId),
        enumColumn<UnmatchedEvent>(
          "event",
          t.event,
          TransactionEventTypeSchema,
          (row) => row.event?.event?.eventType ?? 0,
        ),
        enumColumn<UnmatchedEvent>(
          "reason",
          t.reason,
          UnmatchedReasonSchema,
          (row) => row.reason,
          {},
          { width: "220px" },
        ),
        timeColumn<UnmatchedEvent>("received", t.received, (row) => row.event?.receiveTime),
      ]}
      empty={
        <EmptyState title={t.noUnmatched} icon="check">
          <p>{t.noUnmatchedText}</p>
        </EmptyState>
      }
    />
  );
}

export default function QuarantinePage(): ReactNode {
  const t = useText();
  return (
    <Page title={t.title} fill>
      <Tabs
        label={t.title}
        tabs={[
          { id: "items", label: t.items, content: <Items /> },
          { id: "unmatched", label: t.unmatched, content: <Unmatched /> },
        ]}
      />
    </Page>
  );
}

import { useState, type ReactNode } from "react";

import { dataText } from "../../live";
import { usePermissions } from "../../api/permissions";
import { useFormats } from "../../formats";
import { numberColumn, ResourceList, rowJson, textColumn, timeColumn, withUpdateMask } from "../../resources";
import {
  IdTokenSchema,
  IdTokenService,
  SeenIdTokenSchema,
  type IdToken,
  type SeenIdToken,
} from "../../stubs/csms/auth/v1/id_token_service_pb";
import type { Column } from "../../tables";
import { Badge, Button, EmptyState, Page, Tabs, type Tone } from "../../ui";
import { ImportTokens } from "./ImportTokens";
import { useText, type Text } from "./text";

// A status is in OCPP's own words.
const TONES: Readonly<Record<string, Tone>> = { Accepted: "good", Blocked: "bad", Expired: "warning", Invalid: "bad" };

function statusWord(t: Text, status: string): string {
  const words: Readonly<Record<string, string>> = { Accepted: t.accepted, Blocked: t.blocked, Expired: t.expired };
  return words[status] ?? status;
}

function columnsOf(t: Text): Column<IdToken>[] {
  return [
    textColumn("token", t.token, (row) => row.idToken, { card: "head", width: "minmax(160px, 1.4fr)" }),
    textColumn("name", t.name, (row) => row.displayName),
    {
      id: "status",
      label: t.status,
      width: "120px",
      sortBy: (row) => row.status,
      cell: (row) => <Badge tone={TONES[row.status] ?? "neutral"}>{statusWord(t, row.status)}</Badge>,
    },
    textColumn("type", t.type, (row) => row.type, { width: "130px" }),
    textColumn("group", t.group, (row) => row.groupIdToken),
    textColumn("limit", t.limit, (row) => row.maxConcurrentTransactions?.toString(), { optional: true }),
    timeColumn("expires", t.expires, (row) => row.expireTime),
    timeColumn("added", t.added, (row) => row.createTime, { optional: true }),
    timeColumn("changed", t.changed, (row) => row.updateTime, { optional: true }),
  ];
}

function KnownTokens(): ReactNode {
  const t = useText();
  const permissions = usePermissions();
  const [importing, setImporting] = useState(false);
  const { method } = IdTokenService;
  return (
    <>
      <ResourceList
        name="known"
        label={t.known}
        method={method.listIdTokens}
        field="idTokens"
        schema={IdTokenSchema}
        columns={columnsOf(t)}
        rowKey={(row) => row.idToken}
        rowName={(row) => row.displayName || row.idToken}
        searchText={(row) => `${row.idToken} ${row.displayName} ${row.groupIdToken}`}
        searchLabel={t.search}
        filters={[
          {
            id: "status",
            label: t.status,
            options: [
              { id: "ACCEPTED", label: t.accepted },
              { id: "BLOCKED", label: t.blocked },
              { id: "EXPIRED", label: t.expired },
            ],
            clause: (value) => `status = "${value}"`,
          },
        ]}
        tools={
          permissions.can(method.createIdToken) && (
            <Button
              icon="download"
              onPress={() => {
                setImporting(true);
              }}
            >
              {t.importTokens}
            </Button>
          )
        }
        creates={[{ method: method.createIdToken, label: t.create }]}
        actions={[
          {
            method: method.updateIdToken,
            label: t.update,
            icon: "edit",
            initial: (row) => ({ idToken: rowJson(IdTokenSchema, row) }),
            hidden: ["update_mask"],
            prepare: (json, row) => withUpdateMask(json, "idToken", rowJson(IdTokenSchema, row), ["idToken"]),
          },
          {
            method: method.getIdToken,
            label: t.look,
            icon: "search",
            fixed: (row) => ({ idToken: row.idToken }),
            keepsAnswer: true,
          },
          {
            method: method.deleteIdToken,
            label: t.remove,
            icon: "trash",
            danger: true,
            fixed: (row) => ({ idToken: row.idToken }),
            confirm: (row) => ({ title: `${t.remove}: ${row.displayName || row.idToken}`, text: t.removeText }),
          },
        ]}
        ignoreScope
        empty={
          <EmptyState title={t.emptyTitle} icon="token">
            <p>{t.emptyText}</p>
          </EmptyState>
        }
      />
      {importing && (
        <ImportTokens
          onClose={() => {
            setImporting(false);
          }}
        />
      )}
    </>
  );
}

function SeenTokens(): ReactNode {
  const t = useText();
  const formats = useFormats();
  const { method } = IdTokenService;
  const columns: Column<SeenIdToken>[] = [
    textColumn("token", t.token, (row) => row.idToken, { card: "head", width: "minmax(160px, 1.4fr)" }),
    textColumn("station", t.station, (row) => row.stationId),
    numberColumn(
      "count",
      t.count,
      (row) => row.count,
      (value) => formats.number(Number(value)),
    ),
    timeColumn("last", t.last, (row) => row.lastSeenTime),
    timeColumn("first", t.first, (row) => row.firstSeenTime),
    textColumn("type", t.type, (row) => row.type, { optional: true }),
  ];
  return (
    <ResourceList
      name="seen"
      label={t.seen}
      method={method.listSeenIdTokens}
      field="seenIdTokens"
      schema={SeenIdTokenSchema}
      columns={columns}
      rowKey={(row) => row.idToken}
      searchText={(row) => `${row.idToken} ${row.stationId}`}
      searchLabel={t.search}
      live={{ filter: { types: ["id_token."] }, keyOf: (event) => dataText(event, "idToken"), apply: () => "reload" }}
      actions={[
        {
          method: method.addSeenIdToken,
          label: t.allow,
          icon: "check",
          fixed: (row) => ({ idToken: row.idToken }),
        },
      ]}
      ignoreScope
      empty={
        <EmptyState title={t.noneSeen} icon="check">
          <p>{t.noneSeenText}</p>
        </EmptyState>
      }
    />
  );
}

export default function TokensPage(): ReactNode {
  const t = useText();
  return (
    <Page title={t.title} fill>
      <Tabs
        label={t.title}
        tabs={[
          { id: "known", label: t.known, content: <KnownTokens /> },
          { id: "seen", label: t.seen, content: <SeenTokens /> },
        ]}
      />
    </Page>
  );
}

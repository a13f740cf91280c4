import type { ReactNode } from "react";

import { usePermissions } from "../../api/permissions";
import { clientOf } from "../../api/transport";
import { useFormats } from "../../formats";
import { enumColumn, ExportButton, numberColumn, ResourcePage, textColumn, timeColumn } from "../../resources";
import {
  AuditChangeSchema,
  AuditEntrySchema,
  AuditService,
  type AuditEntry,
} from "../../stubs/csms/audit/v1/audit_service_pb";
import { Badge, EmptyState } from "../../ui";
import { useText, type Text } from "./text";

const { method } = AuditService;
const audit = clientOf(AuditService);

function actorKinds(t: Text) {
  return [
    { id: "USER", label: t.user },
    { id: "API_KEY", label: t.apiKey },
    { id: "JOB", label: t.job },
    { id: "ANONYMOUS", label: t.anonymous },
  ];
}

/** `csms.auth.v1.UserService/Register` as its last part. */
function shortAction(action: string): string {
  return action.slice(action.lastIndexOf("/") + 1);
}

export default function AuditPage(): ReactNode {
  const t = useText();
  const formats = useFormats();
  const permissions = usePermissions();
  return (
    <ResourcePage
      title={t.title}
      label={t.title}
      method={method.listAuditEntries}
      field="auditEntries"
      schema={AuditEntrySchema}
      rowKey={(row) => `${row.source} ${row.sequence.toString()} ${row.hash} ${row.requestId}`}
      rowName={(row) => shortAction(row.action)}
      columns={[
        timeColumn<AuditEntry>("time", t.time, (row) => row.time),
        textColumn<AuditEntry>("actor", t.actor, (row) => row.actor, { card: "head" }),
        textColumn<AuditEntry>("action", t.action, (row) => shortAction(row.action), { width: "minmax(160px, 1.4fr)" }),
        textColumn<AuditEntry>("resource", t.resource, (row) => `${row.resourceType} ${row.resource}`.trim(), {
          width: "minmax(160px, 1.4fr)",
        }),
        enumColumn<AuditEntry>("change", t.change, AuditChangeSchema, (row) => row.change, {}, { width: "120px" }),
        {
          id: "outcome",
          label: t.outcome,
          width: "150px",
          sortBy: (row) => row.outcome,
          cell: (row) => <Badge tone={row.outcome === "OK" ? "good" : "neutral"}>{row.outcome}</Badge>,
        },
        numberColumn<AuditEntry>(
          "count",
          t.count,
          (row) => row.count,
          (value) => formats.number(Number(value)),
          {
            width: "90px",
          },
        ),
        textColumn<AuditEntry>("address", t.address, (row) => row.address, { optional: true }),
        textColumn<AuditEntry>("source", t.source, (row) => row.source, { optional: true }),
        textColumn<AuditEntry>("sequence", t.sequence, (row) => row.sequence.toString(), { optional: true }),
      ]}
      filters={[
        {
          id: "kind",
          label: t.kind,
          options: actorKinds(t),
          clause: (value) => `actor_kind = "${value}"`,
        },
      ]}
      creates={[{ method: method.verifyAudit, label: t.verify, icon: "check", keepsAnswer: true }]}
      tools={
        permissions.can(method.exportAuditEntries) && (
          <ExportButton label={t.export} name="audit.jsonl" open={() => audit.exportAuditEntries({})} />
        )
      }
      ignoreScope
      empty={<EmptyState title={t.empty} icon="list" />}
    />
  );
}

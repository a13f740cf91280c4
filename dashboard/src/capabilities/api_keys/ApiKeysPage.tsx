import type { ReactNode } from "react";

import { ResourcePage, textColumn, timeColumn } from "../../resources";
import { ApiKeySchema, ApiKeyService, type ApiKey } from "../../stubs/csms/auth/v1/api_key_service_pb";
import { EmptyState } from "../../ui";
import { useText } from "./text";

const { method } = ApiKeyService;

export default function ApiKeysPage(): ReactNode {
  const t = useText();
  return (
    <ResourcePage
      title={t.title}
      label={t.title}
      method={method.listApiKeys}
      field="apiKeys"
      schema={ApiKeySchema}
      rowKey={(row) => row.prefix}
      rowName={(row) => row.displayName || row.prefix}
      columns={[
        textColumn<ApiKey>("name", t.name, (row) => row.displayName, { card: "head" }),
        { id: "prefix", label: t.prefix, cell: (row) => <code>{row.prefix}</code> },
        textColumn<ApiKey>("creator", t.creator, (row) => row.creator),
        timeColumn<ApiKey>("used", t.used, (row) => row.lastUseTime),
        timeColumn<ApiKey>("expires", t.expires, (row) => row.expireTime),
        timeColumn<ApiKey>("added", t.added, (row) => row.createTime),
      ]}
      creates={[{ method: method.createApiKey, label: t.create, keepsAnswer: true }]}
      actions={[
        {
          method: method.revokeApiKey,
          label: t.revoke,
          icon: "trash",
          danger: true,
          fixed: (row) => ({ prefix: row.prefix }),
          confirm: (row) => ({ title: `${t.revoke}: ${row.displayName || row.prefix}`, text: t.revokeText }),
        },
      ]}
      ignoreScope
      empty={
        <EmptyState title={t.empty} icon="key">
          <p>{t.emptyText}</p>
        </EmptyState>
      }
    />
  );
}

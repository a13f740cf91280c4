import type { ReactNode } from "react";

import { enumColumn, ResourcePage, rowJson, textColumn, timeColumn, withUpdateMask } from "../../resources";
import { TenantSchema, TenantState, TenantStateSchema, type Tenant } from "../../stubs/csms/auth/v1/tenant_pb";
import { TenantService } from "../../stubs/csms/auth/v1/tenant_service_pb";
import { EmptyState } from "../../ui";
import { useText } from "./text";

const { method } = TenantService;
const KEYS = ["tenantId", "state", "createTime", "updateTime", "erasures"];

export default function TenantsPage(): ReactNode {
  const t = useText();
  const named = (row: Tenant) => ({ tenantId: row.tenantId });
  const most = (count: number | undefined) => (count ? String(count) : t.any);
  return (
    <ResourcePage
      title={t.title}
      label={t.title}
      method={method.listTenants}
      field="tenants"
      schema={TenantSchema}
      rowKey={(row) => row.tenantId}
      rowName={(row) => row.displayName || row.tenantId}
      columns={[
        textColumn<Tenant>("tenant", t.tenant, (row) => row.tenantId, { card: "head" }),
        textColumn<Tenant>("name", t.name, (row) => row.displayName),
        enumColumn<Tenant>("state", t.state, TenantStateSchema, (row) => row.state, {
          [TenantState.ACTIVE]: "good",
          [TenantState.SUSPENDED]: "warning",
          [TenantState.REMOVING]: "bad",
        }),
        textColumn<Tenant>("host", t.host, (row) => row.hostName),
        textColumn<Tenant>("stations", t.stations, (row) => most(row.quotas?.maxStations)),
        textColumn<Tenant>("rate", t.rate, (row) => most(row.quotas?.maxMessagesPerSecond)),
        timeColumn<Tenant>("added", t.added, (row) => row.createTime),
      ]}
      creates={[{ method: method.createTenant, label: t.create, keepsAnswer: true }]}
      actions={[
        {
          method: method.updateTenant,
          label: t.update,
          icon: "edit",
          initial: (row) => ({ tenant: rowJson(TenantSchema, row) }),
          hidden: ["update_mask"],
          prepare: (json, row) => withUpdateMask(json, "tenant", rowJson(TenantSchema, row), KEYS),
        },
        { method: method.getTenant, label: t.look, icon: "search", fixed: named, keepsAnswer: true },
        {
          method: method.resumeTenant,
          label: t.resume,
          icon: "play",
          isOffered: (row) => row.state === TenantState.SUSPENDED,
          fixed: named,
        },
        {
          method: method.suspendTenant,
          label: t.suspend,
          icon: "pause",
          danger: true,
          isOffered: (row) => row.state === TenantState.ACTIVE,
          fixed: named,
          confirm: (row) => ({ title: `${t.suspend}: ${row.tenantId}`, text: t.suspendText }),
        },
        {
          method: method.deleteTenant,
          label: t.remove,
          icon: "trash",
          danger: true,
          fixed: named,
          confirm: (row) => ({ title: `${t.remove}: ${row.tenantId}`, text: t.removeText }),
        },
      ]}
      ignoreScope
      empty={<EmptyState title={t.empty} icon="users" />}
    />
  );
}

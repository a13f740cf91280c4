import { toJson, type JsonObject } from "@bufbuild/protobuf";
import { useQuery } from "@connectrpc/connect-query";
import type { ReactNode } from "react";

import { usePermissions } from "../../api/permissions";
import { MessageView, MethodForm } from "../../forms";
import { ExportButton, withUpdateMask } from "../../resources";
import { DataExportService as AuthData } from "../../stubs/csms/auth/v1/data_export_service_pb";
import { TenantSchema, TenantSettingsSchema, type Tenant } from "../../stubs/csms/auth/v1/tenant_pb";
import { TenantService } from "../../stubs/csms/auth/v1/tenant_service_pb";
import { EmptyState, ErrorState, Section, Skeleton } from "../../ui";
import { EXPORTS } from "./exports";
import { useText } from "./text";

const { method } = TenantService;

function Settings(props: { tenant: Tenant; onDone: () => void }) {
  const t = useText();
  const { settings } = props.tenant;
  const before = settings ? (toJson(TenantSettingsSchema, settings) as JsonObject) : {};
  return (
    <Section title={t.settings}>
      <MethodForm
        method={method.updateOwnTenantSettings}
        action={t.settings}
        initial={{ settings: before }}
        hidden={["update_mask"]}
        prepare={(json) => withUpdateMask(json, "settings", before, [])}
        onDone={props.onDone}
      />
    </Section>
  );
}

function Exports() {
  const t = useText();
  const permissions = usePermissions();
  if (!permissions.can(AuthData.method.exportTenantData)) return null;
  return (
    <Section title={t.exportTenant}>
      {Object.entries(EXPORTS).map(([name, client]) => (
        <ExportButton key={name} label={name} name={`tenant-${name}.jsonl`} open={() => client.exportTenantData({})} />
      ))}
    </Section>
  );
}

/** The caller's tenant: its quotas, its settings, and all its data as files. */
export function OwnTenant(): ReactNode {
  const t = useText();
  const permissions = usePermissions();
  const isOffered = permissions.can(method.getOwnTenant);
  const { data, error, refetch } = useQuery(method.getOwnTenant, {}, { enabled: isOffered });
  if (!isOffered) return <EmptyState title={t.tenant} icon="users" />;
  const tenant = data?.tenant;
  if (!tenant) return error ? <ErrorState error={error} onRetry={() => void refetch()} /> : <Skeleton lines={4} />;
  return (
    <>
      <Section title={t.tenant}>
        <MessageView desc={TenantSchema} message={tenant} />
      </Section>
      {permissions.can(method.updateOwnTenantSettings) && <Settings tenant={tenant} onDone={() => void refetch()} />}
      <Exports />
    </>
  );
}

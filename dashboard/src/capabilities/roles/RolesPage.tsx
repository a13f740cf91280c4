import type { ReactNode } from "react";

import { useFormats } from "../../formats";
import { numberColumn, ResourcePage, rowJson, textColumn, timeColumn, withUpdateMask } from "../../resources";
import { CustomRoleSchema, RoleService, type CustomRole } from "../../stubs/csms/auth/v1/role_service_pb";
import { Badge, EmptyState } from "../../ui";
import { useText } from "./text";

const { method } = RoleService;
const KEYS = ["roleId", "builtIn", "createTime", "updateTime"];

export default function RolesPage(): ReactNode {
  const t = useText();
  const formats = useFormats();
  const named = (row: CustomRole) => ({ roleId: row.roleId });
  return (
    <ResourcePage
      title={t.title}
      label={t.title}
      method={method.listRoles}
      field="roles"
      schema={CustomRoleSchema}
      rowKey={(row) => row.roleId}
      rowName={(row) => row.displayName || row.roleId}
      columns={[
        textColumn<CustomRole>("role", t.role, (row) => row.roleId, { card: "head" }),
        textColumn<CustomRole>("name", t.name, (row) => row.displayName),
        {
          id: "kind",
          label: t.kind,
          width: "120px",
          cell: (row) => <Badge>{row.builtIn ? t.builtIn : t.own}</Badge>,
        },
        numberColumn<CustomRole>(
          "permissions",
          t.permissions,
          (row) => row.permissions.length,
          (value) => formats.number(Number(value)),
          { width: "140px" },
        ),
        timeColumn<CustomRole>("changed", t.changed, (row) => row.updateTime),
      ]}
      creates={[{ method: method.createRole, label: t.create }]}
      actions={[
        {
          method: method.updateRole,
          label: t.update,
          icon: "edit",
          isOffered: (row) => !row.builtIn,
          initial: (row) => ({ role: rowJson(CustomRoleSchema, row) }),
          hidden: ["update_mask"],
          prepare: (json, row) => withUpdateMask(json, "role", rowJson(CustomRoleSchema, row), KEYS),
        },
        { method: method.getRole, label: t.look, icon: "search", fixed: named, keepsAnswer: true },
        {
          method: method.deleteRole,
          label: t.remove,
          icon: "trash",
          danger: true,
          isOffered: (row) => !row.builtIn,
          fixed: named,
          confirm: (row) => ({ title: `${t.remove}: ${row.displayName || row.roleId}`, text: t.removeText }),
        },
      ]}
      ignoreScope
      empty={<EmptyState title={t.empty} icon="shield" />}
    />
  );
}

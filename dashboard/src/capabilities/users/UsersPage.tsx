import type { ReactNode } from "react";

import { enumColumn, ResourceList, rowJson, textColumn, timeColumn, withUpdateMask } from "../../resources";
import {
  InvitationSchema,
  InvitationService,
  type CreateInvitationResponse,
  type Invitation,
} from "../../stubs/csms/auth/v1/invitation_service_pb";
import {
  RoleSchema,
  UserSchema,
  UserService,
  type RoleAssignment,
  type User,
} from "../../stubs/csms/auth/v1/user_service_pb";
import { CodeBlock, EmptyState, Page, Tabs } from "../../ui";
import { useText, type Text } from "./text";

const users = UserService.method;
const invitations = InvitationService.method;

function assigned(assignments: readonly RoleAssignment[], t: Text): string {
  return assignments.map(({ roleId, siteId }) => `${roleId} (${siteId || t.everywhere})`).join(", ");
}

function Users(): ReactNode {
  const t = useText();
  const named = (row: User) => ({ username: row.username });
  return (
    <ResourceList
      label={t.title}
      method={users.listUsers}
      field="users"
      schema={UserSchema}
      rowKey={(row) => row.username}
      columns={[
        textColumn<User>("user", t.user, (row) => row.username, { card: "head" }),
        enumColumn<User>("role", t.role, RoleSchema, (row) => row.role),
        textColumn<User>("roles", t.roles, (row) => assigned(row.roleAssignments, t), { width: "minmax(180px, 2fr)" }),
        timeColumn<User>("temporary", t.temporary, (row) => row.passwordExpireTime),
        timeColumn<User>("added", t.added, (row) => row.createTime),
      ]}
      searchText={(row) => `${row.username} ${assigned(row.roleAssignments, t)}`}
      creates={[{ method: users.register, label: t.create }]}
      actions={[
        {
          method: users.updateUser,
          label: t.update,
          icon: "edit",
          initial: (row) => ({ user: rowJson(UserSchema, row) }),
          hidden: ["update_mask"],
          prepare: (json, row) =>
            withUpdateMask(json, "user", rowJson(UserSchema, row), [
              "username",
              "tenantId",
              "createTime",
              "passwordExpireTime",
            ]),
        },
        { method: users.changePassword, label: t.password, icon: "key", fixed: named },
        {
          method: users.resetPassword,
          label: t.reset,
          icon: "refresh",
          fixed: named,
          confirm: (row) => ({ title: `${t.reset}: ${row.username}`, text: t.resetText }),
          keepsAnswer: true,
        },
        {
          method: users.deleteUser,
          label: t.remove,
          icon: "trash",
          danger: true,
          fixed: named,
          confirm: (row) => ({ title: `${t.remove}: ${row.username}`, text: t.removeText }),
        },
      ]}
      ignoreScope
      empty={<EmptyState title={t.empty} icon="users" />}
    />
  );
}

/** The link that the new user opens; shown once. */
function InvitationLink(props: { answer: CreateInvitationResponse }) {
  const t = useText();
  const link = `${globalThis.location.origin}/invitation#${encodeURIComponent(props.answer.token)}`;
  return (
    <>
      <p>{t.link}</p>
      <CodeBlock label={t.invite} text={link} />
    </>
  );
}

function Invitations(): ReactNode {
  const t = useText();
  return (
    <ResourceList
      name="invitations"
      label={t.invitations}
      method={invitations.listInvitations}
      field="invitations"
      schema={InvitationSchema}
      rowKey={(row) => row.invitationId}
      rowName={(row) => row.username}
      columns={[
        textColumn<Invitation>("user", t.user, (row) => row.username, { card: "head" }),
        enumColumn<Invitation>("role", t.role, RoleSchema, (row) => row.role),
        textColumn<Invitation>("roles", t.roles, (row) => assigned(row.roleAssignments, t)),
        textColumn<Invitation>("inviter", t.inviter, (row) => row.inviter),
        timeColumn<Invitation>("expires", t.expires, (row) => row.expireTime),
      ]}
      creates={[
        {
          method: invitations.createInvitation,
          label: t.invite,
          keepsAnswer: true,
          answer: (answer) => <InvitationLink answer={answer as CreateInvitationResponse} />,
        },
      ]}
      actions={[
        {
          method: invitations.revokeInvitation,
          label: t.revoke,
          icon: "trash",
          danger: true,
          fixed: (row) => ({ invitationId: row.invitationId }),
        },
      ]}
      ignoreScope
      empty={
        <EmptyState title={t.noInvitations} icon="users">
          <p>{t.noInvitationsText}</p>
        </EmptyState>
      }
    />
  );
}

export default function UsersPage(): ReactNode {
  const t = useText();
  return (
    <Page title={t.title} fill>
      <Tabs
        label={t.title}
        tabs={[
          { id: "users", label: t.title, content: <Users /> },
          { id: "invitations", label: t.invitations, content: <Invitations /> },
        ]}
      />
    </Page>
  );
}

import type { ReactNode } from "react";

import { usePermissions } from "../../api/permissions";
import { MethodForm } from "../../forms";
import { SectionList, textColumn, timeColumn } from "../../resources";
import { SignInSchema, SignInService, type SignIn } from "../../stubs/csms/auth/v1/sign_in_service_pb";
import { UserService } from "../../stubs/csms/auth/v1/user_service_pb";
import { Badge, EmptyState, Page, Section, Tabs } from "../../ui";
import { Drivers } from "./Drivers";
import { OwnTenant } from "./OwnTenant";
import { useText } from "./text";

const { method } = SignInService;

function OwnSignIns(): ReactNode {
  const t = useText();
  return (
    <Section title={t.signIns} flush>
      <SectionList
        name="sign_ins"
        label={t.signIns}
        method={method.listSignIns}
        field="signIns"
        schema={SignInSchema}
        rowKey={(row) => row.signInId}
        rowName={(row) => row.userAgent || row.signInId}
        columns={[
          {
            id: "agent",
            label: t.agent,
            card: "head",
            width: "minmax(180px, 2fr)",
            cell: (row) => (
              <>
                {row.userAgent} {row.current && <Badge tone="accent">{t.current}</Badge>}
              </>
            ),
          },
          textColumn<SignIn>("address", t.address, (row) => row.address),
          timeColumn<SignIn>("begun", t.begun, (row) => row.createTime),
          timeColumn<SignIn>("refreshed", t.refreshed, (row) => row.refreshTime),
        ]}
        creates={[
          { method: method.endAllSignIns, label: t.endAll, icon: "signOut", hidden: ["username"], keepsAnswer: true },
        ]}
        actions={[
          {
            method: method.endSignIn,
            label: t.end,
            icon: "signOut",
            danger: true,
            fixed: (row) => ({ signInId: row.signInId }),
          },
        ]}
        empty={<EmptyState title={t.noSignIns} icon="user" />}
      />
    </Section>
  );
}

function Account(): ReactNode {
  const t = useText();
  const { user } = usePermissions();
  return (
    <>
      {user && (
        <Section title={t.password}>
          <MethodForm
            method={UserService.method.changePassword}
            action={t.password}
            fixed={{ username: user.username }}
            plain
          />
        </Section>
      )}
      <OwnSignIns />
    </>
  );
}

export default function AccountPage(): ReactNode {
  const t = useText();
  return (
    <Page title={t.title}>
      <Tabs
        label={t.title}
        tabs={[
          { id: "account", label: t.account, content: <Account /> },
          { id: "tenant", label: t.tenant, content: <OwnTenant /> },
          { id: "drivers", label: t.drivers, content: <Drivers /> },
        ]}
      />
    </Page>
  );
}

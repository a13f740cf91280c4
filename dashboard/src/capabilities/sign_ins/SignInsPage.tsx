import type { ReactNode } from "react";

import { ResourcePage, textColumn, timeColumn } from "../../resources";
import { SignInSchema, SignInService, type SignIn } from "../../stubs/csms/auth/v1/sign_in_service_pb";
import { UserService } from "../../stubs/csms/auth/v1/user_service_pb";
import { Badge, EmptyState } from "../../ui";
import { useText } from "./text";

const { method } = SignInService;

export default function SignInsPage(): ReactNode {
  const t = useText();
  return (
    <ResourcePage
      title={t.title}
      label={t.title}
      method={method.listAllSignIns}
      field="signIns"
      schema={SignInSchema}
      rowKey={(row) => row.signInId}
      rowName={(row) => row.username}
      columns={[
        {
          id: "user",
          label: t.user,
          card: "head",
          sortBy: (row) => row.username,
          cell: (row) => (
            <>
              {row.username} {row.current && <Badge tone="accent">{t.current}</Badge>}
            </>
          ),
        },
        timeColumn<SignIn>("begun", t.begun, (row) => row.createTime),
        timeColumn<SignIn>("refreshed", t.refreshed, (row) => row.refreshTime),
        timeColumn<SignIn>("expires", t.expires, (row) => row.expireTime),
        textColumn<SignIn>("address", t.address, (row) => row.address),
        textColumn<SignIn>("agent", t.agent, (row) => row.userAgent, { width: "minmax(180px, 2fr)" }),
      ]}
      searchText={(row) => `${row.username} ${row.address} ${row.userAgent}`}
      creates={[
        { method: method.endAllSignIns, label: t.endAll, icon: "signOut", keepsAnswer: true },
        {
          method: UserService.method.rotateSigningKeys,
          label: t.keys,
          icon: "key",
          confirm: () => ({ title: `${t.keys}?`, text: t.keysText }),
          keepsAnswer: true,
        },
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
      ignoreScope
      empty={<EmptyState title={t.empty} icon="users" />}
    />
  );
}

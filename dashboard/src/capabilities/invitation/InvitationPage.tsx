import { useEffect, useState, type ReactNode } from "react";

import { MethodForm } from "../../forms";
import { InvitationService } from "../../stubs/csms/auth/v1/invitation_service_pb";
import { EmptyState, LinkButton, Section } from "../../ui";
import styles from "./InvitationPage.module.css";
import { useText } from "./text";

/** The page of the link that a new user is sent. Its secret is in the fragment, which no browser sends to a server. */
export default function InvitationPage(): ReactNode {
  const t = useText();
  const [token] = useState(() => decodeURIComponent(globalThis.location.hash.slice(1)));
  const [isDone, setDone] = useState(false);
  useEffect(() => {
    document.title = `${t.title} · ocpp-mesh`;
  }, [t]);
  return (
    <main className={styles.page}>
      <Section title={t.title}>
        {isDone ? (
          <EmptyState title={t.done} icon="check" action={<LinkButton href="/sign-in">{t.signIn}</LinkButton>} />
        ) : token ? (
          <>
            <p>{t.lead}</p>
            <MethodForm
              method={InvitationService.method.acceptInvitation}
              action={t.accept}
              fixed={{ token }}
              answer={false}
              plain
              onDone={() => {
                setDone(true);
              }}
            />
          </>
        ) : (
          <EmptyState title={t.missing} icon="alert">
            <p>{t.missingText}</p>
          </EmptyState>
        )}
      </Section>
    </main>
  );
}

// How calls of this page prove who makes them: by the dashboard's sign-in, or by what a person pastes.
import { useState, type SyntheticEvent } from "react";

import { signIn, signOut, useSession } from "../api/session";
import { Button, ErrorState, Section, Select, TextField } from "../ui";
import styles from "./docs.module.css";
import type { Access } from "./request";
import { useDocsText } from "./text";

function SignIn() {
  const t = useDocsText();
  const session = useSession();
  const [username, setUsername] = useState("");
  const [password, setPassword] = useState("");
  const [error, setError] = useState<unknown>(undefined);
  if (session) {
    return (
      <div className={styles.row}>
        <span>{t.signedInAs(session.username)}</span>
        <Button small onPress={() => void signOut()}>
          {t.signOut}
        </Button>
      </div>
    );
  }
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    setError(undefined);
    signIn({ username, password }).then(() => {
      setPassword("");
    }, setError);
  };
  return (
    <form className={styles.row} onSubmit={submit}>
      <TextField label={t.username} value={username} onChange={setUsername} autoComplete="username" />
      <TextField
        label={t.password}
        value={password}
        onChange={setPassword}
        type="password"
        autoComplete="current-password"
      />
      <Button type="submit" kind="primary">
        {t.signIn}
      </Button>
      {error !== undefined && <ErrorState inline error={error} />}
    </form>
  );
}

export function AccessBox(props: { access: Access; onChange: (access: Access) => void }) {
  const t = useDocsText();
  const { access, onChange } = props;
  const choose = (kind: string) => {
    onChange(kind === "token" || kind === "apiKey" ? { kind, secret: "" } : { kind: "session" });
  };
  const options = [
    { id: "session", label: t.bySession },
    { id: "token", label: t.byToken },
    { id: "apiKey", label: t.byKey },
  ];
  return (
    <Section title={t.access}>
      <p className={styles.lead}>{t.accessLead}</p>
      <div className={styles.row}>
        <Select label={t.access} hideLabel options={options} value={access.kind} onChange={choose} />
        {access.kind !== "session" && (
          <TextField
            label={access.kind === "token" ? t.byToken : t.byKey}
            hideLabel
            placeholder={t.paste}
            type="password"
            autoComplete="off"
            value={access.secret}
            onChange={(secret) => {
              onChange({ kind: access.kind, secret: secret.trim() });
            }}
          />
        )}
      </div>
      {access.kind === "session" && <SignIn />}
    </Section>
  );
}

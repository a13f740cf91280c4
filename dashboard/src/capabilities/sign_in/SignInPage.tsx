import { useEffect, useState, type ReactNode } from "react";

import { readError } from "../../api/errors";
import { signIn } from "../../api/session";
import { catalogue, setLanguage, useLanguage, useMessages } from "../../i18n/catalogue";
import { Button, ErrorState, Icon, TextField } from "../../ui";
import { de } from "./messages.de";
import { en } from "./messages.en";
import styles from "./SignInPage.module.css";

const messages = catalogue(en, de);

/** A refusal of the credentials is a sentence under the field; anything else is an error of its own. */
function useSignIn() {
  const t = useMessages(messages);
  const [pending, setPending] = useState(false);
  const [refusal, setRefusal] = useState("");
  const [error, setError] = useState<unknown>(undefined);
  const [needsNew, setNeedsNew] = useState(false);
  const send = async (credentials: Parameters<typeof signIn>[0]) => {
    setPending(true);
    setRefusal("");
    setError(undefined);
    try {
      await signIn(credentials);
    } catch (failure) {
      const { reason, retryAfterS } = readError(failure);
      if (reason === "WRONG_CREDENTIALS") setRefusal(t.wrong);
      else if (reason === "NEW_PASSWORD_NEEDED") setNeedsNew(true);
      else if (reason === "TOO_MANY_ATTEMPTS") setRefusal(t.tooMany(String(retryAfterS ?? 60)));
      else setError(failure);
      setPending(false);
    }
  };
  return { pending, refusal, error, needsNew, send };
}

export default function SignInPage(): ReactNode {
  const t = useMessages(messages);
  const language = useLanguage();
  const form = useSignIn();
  const [username, setUsername] = useState("");
  const [password, setPassword] = useState("");
  const [newPassword, setNewPassword] = useState("");
  const [tenantId, setTenantId] = useState("");
  const [tried, setTried] = useState(false);
  useEffect(() => {
    document.title = `${t.title} · ocpp-mesh`;
  }, [t]);
  const submit = () => {
    setTried(true);
    if (!username || !password || (form.needsNew && !newPassword)) return;
    void form.send({ username, password, ...(form.needsNew && { newPassword }), ...(tenantId && { tenantId }) });
  };
  const missing = (value: string) => (tried && !value ? t.needed : undefined);
  return (
    <div className={styles.page}>
      <form
        className={styles.card}
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        <div className={styles.brand}>
          <Icon name="bolt" size={28} />
        </div>
        <h1>{t.title}</h1>
        <p className={styles.lead}>{form.needsNew ? t.newPasswordLead : t.lead}</p>
        <TextField
          label={t.username}
          value={username}
          onChange={setUsername}
          autoComplete="username"
          name="username"
          error={missing(username)}
          startsFocused
          isRequired
        />
        <TextField
          label={t.password}
          value={password}
          onChange={setPassword}
          type="password"
          autoComplete="current-password"
          name="password"
          error={missing(password) ?? (form.refusal || undefined)}
          isRequired
        />
        {form.needsNew && (
          <TextField
            label={t.newPassword}
            value={newPassword}
            onChange={setNewPassword}
            type="password"
            autoComplete="new-password"
            error={missing(newPassword)}
            isRequired
          />
        )}
        <details className={styles.tenant}>
          <summary>{t.otherTenant}</summary>
          <TextField
            label={t.tenant}
            help={t.tenantHelp}
            value={tenantId}
            onChange={setTenantId}
            autoComplete="organization"
          />
        </details>
        {form.error !== undefined && <ErrorState inline title={t.failed} error={form.error} />}
        <Button type="submit" kind="primary" isPending={form.pending}>
          {form.needsNew ? t.setPassword : t.signIn}
        </Button>
      </form>
      <Button
        kind="quiet"
        small
        icon="globe"
        onPress={() => {
          setLanguage(language === "en" ? "de" : "en");
        }}
      >
        {t.language}
      </Button>
    </div>
  );
}

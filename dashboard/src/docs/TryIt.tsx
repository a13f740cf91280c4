// A form for one call, and the answer that it got.
import { useEffect, useRef, useState } from "react";

import { Button, CodeBlock, ErrorState, Section, TextArea, TextField } from "../ui";
import styles from "./docs.module.css";
import type { Call } from "./document";
import { curl, initial, isReadable, missing, type Access, type Filled } from "./request";
import { send, type Answer } from "./send";
import { useDocsText } from "./text";

/** Sending, and what came of it. A call that is left is ended. */
function useSending(call: Call, access: Access) {
  const [answer, setAnswer] = useState<Answer | undefined>(undefined);
  const [error, setError] = useState<unknown>(undefined);
  const [isPending, setPending] = useState(false);
  const abort = useRef<AbortController | undefined>(undefined);
  useEffect(() => () => abort.current?.abort(), []);
  const stop = () => abort.current?.abort();
  const start = (filled: Filled) => {
    stop();
    const own = new AbortController();
    abort.current = own;
    setError(undefined);
    setAnswer(undefined);
    setPending(true);
    send(call, filled, access, own.signal, setAnswer)
      .catch((failure: unknown) => {
        if (!own.signal.aborted) setError(failure);
      })
      .finally(() => {
        if (abort.current === own) setPending(false);
      });
  };
  return { answer, error, isPending, start, stop };
}

function AnswerView(props: { answer: Answer }) {
  const t = useDocsText();
  const { answer } = props;
  return (
    <div role="status" className={styles.answer}>
      <p>
        <strong className={answer.status < 400 ? styles.good : styles.bad}>
          {t.result(answer.status, answer.statusText, answer.ms)}
        </strong>{" "}
        {answer.isOpen && answer.mediaType === "text/event-stream" && t.streaming}
      </p>
      {answer.text ? <CodeBlock label={answer.mediaType} text={answer.text} /> : !answer.isOpen && <p>{t.empty}</p>}
    </div>
  );
}

export function TryIt(props: { call: Call; access: Access }) {
  const t = useDocsText();
  const { call, access } = props;
  const [filled, setFilled] = useState(() => initial(call));
  const [tried, setTried] = useState(false);
  const sending = useSending(call, access);
  const lacking = missing(call, filled);
  const submit = () => {
    setTried(true);
    if (lacking.length === 0 && isReadable(filled.body)) sending.start(filled);
  };
  const set = (name: string) => (value: string) => {
    setFilled((present) => ({ ...present, parameters: { ...present.parameters, [name]: value } }));
  };
  return (
    <Section title={t.tryIt}>
      <form
        className={styles.form}
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        {call.parameters?.map(({ name, required }) => (
          <TextField
            key={name}
            label={name}
            value={filled.parameters[name] ?? ""}
            onChange={set(name)}
            mono
            {...(required && { isRequired: true })}
            error={tried && lacking.includes(name) ? t.needed : undefined}
          />
        ))}
        {call.requestBody && (
          <TextArea
            label={t.body}
            mono
            rows={10}
            value={filled.body}
            onChange={(body) => {
              setFilled((present) => ({ ...present, body }));
            }}
            error={isReadable(filled.body) ? undefined : t.notJson}
          />
        )}
        {call.verb !== "GET" && <p className={styles.lead}>{t.changes}</p>}
        <div className={styles.row}>
          <Button type="submit" kind="primary" icon="play" isPending={sending.isPending && !sending.answer}>
            {t.send}
          </Button>
          {sending.isPending && (
            <Button icon="stop" onPress={sending.stop}>
              {t.stop}
            </Button>
          )}
        </div>
      </form>
      {sending.error !== undefined && <ErrorState inline title={t.noAnswer} error={sending.error} />}
      {sending.answer && <AnswerView answer={sending.answer} />}
      <CodeBlock
        label={t.curl}
        text={curl(globalThis.location.origin, call, filled, access, call.security.length === 0)}
      />
    </Section>
  );
}

// A method as a form made from the contract: its fields, its answer, and the command lines that do the same.
import {
  fromJson,
  type DescField,
  type DescMessage,
  type DescMethodUnary,
  type JsonObject,
  type MessageShape,
} from "@bufbuild/protobuf";
import { useTransport } from "@connectrpc/connect-query";
import { useMemo, useState, type ReactNode } from "react";

import { readError } from "../api/errors";
import { useLanguage } from "../i18n/catalogue";
import { Button, CodeBlock, ConfirmDialog, ErrorState } from "../ui";
import { Fields, GivenChoices } from "./Fields";
import { useComments } from "./help";
import { curlLine, grpcurlLine } from "./lines";
import { MessageView } from "./MessageView";
import styles from "./MethodForm.module.css";
import { formFields, methodLabel, withoutNested } from "./model";
import { useFormText } from "./text";
import { readValues, toValues, type Values } from "./values";

export interface MethodFormProps<I extends DescMessage, O extends DescMessage> {
  method: DescMethodUnary<I, O>;
  /** Fields that are given and not shown, as ProtoJSON: `{ stationId: "CP001" }`. */
  fixed?: JsonObject;
  /** Fields that are filled in at the start, as ProtoJSON. */
  initial?: JsonObject;
  /** Fields of oneofs that `initial` has and that stay chosen, by their full names. */
  choices?: readonly string[];
  /** Further fields that are not shown, by their names in the contract; `station.station_id` is one of a message. */
  hidden?: readonly string[];
  /** Says what happens: "Restart station"; the method's name where absent. */
  action?: string;
  /** Asked before it is sent, for what cannot be undone; by the number of things where they are more than ten. */
  confirm?: { title: string; text: ReactNode; count?: number };
  /** Changes the request before it is sent, as for an update mask. */
  prepare?: (json: JsonObject) => JsonObject;
  onDone?: (answer: MessageShape<O>) => void;
  /** Shows the answer in words of its own; false for none. */
  answer?: ((answer: MessageShape<O>) => ReactNode) | false;
  /** Said in place of the comment of the method. */
  intro?: string;
  /** Leaves out the comment of the method and the command lines. */
  plain?: boolean;
}

const NO_CHOICES: readonly string[] = [];
const COMMAND_DEADLINE_MS = 90_000;

/** The deadline of a call: a command waits for its station, for as long as the form says. */
function deadlineOf(method: DescMethodUnary, json: JsonObject): number | undefined {
  const wait = json.timeoutS;
  if (typeof wait === "number" && wait > 0) return wait * 1000 + 10_000;
  return method.input.fields.some((field) => field.name === "timeout_s") ? COMMAND_DEADLINE_MS : undefined;
}

type Outcome<O extends DescMessage> =
  { kind: "answer"; answer: MessageShape<O> } | { kind: "error"; error: unknown } | undefined;

function useMethodForm<I extends DescMessage, O extends DescMessage>(props: MethodFormProps<I, O>) {
  const { method, fixed, prepare, onDone } = props;
  const transport = useTransport();
  // The names as one text: lists in properties are made anew with each render.
  const hidden = [...Object.keys(fixed ?? {}), ...(props.hidden ?? [])].join(" ");
  const language = useLanguage();
  const fields = useMemo(() => {
    const names = hidden.split(" ");
    const isHidden = ({ name, jsonName }: DescField) => names.includes(name) || names.includes(jsonName);
    const shown = formFields(
      method.input,
      method.input.fields.filter(isHidden).map(({ name }) => name),
    );
    return withoutNested(shown, names);
    // Labels are in the language of the person.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [method, hidden, language]);
  const [values, setValues] = useState<Values>(() => toValues(fields, props.initial ?? {}));
  const [tried, setTried] = useState(false);
  const [pending, setPending] = useState(false);
  const [outcome, setOutcome] = useState<Outcome<O>>(undefined);
  const reading = useMemo(() => readValues(fields, values), [fields, values]);
  const merged: JsonObject = { ...reading.json, ...fixed };
  const json = prepare ? prepare(merged) : merged;
  const send = async () => {
    setPending(true);
    setOutcome(undefined);
    const needsId = method.input.fields.some((field) => field.name === "request_id") && !json.requestId;
    try {
      const request = fromJson(method.input, needsId ? { ...json, requestId: newRequestId() } : json);
      const { message } = await transport.unary(
        method,
        undefined,
        deadlineOf(method, json),
        undefined,
        request as never,
      );
      setOutcome({ kind: "answer", answer: message });
      onDone?.(message);
    } catch (error) {
      setOutcome({ kind: "error", error });
    } finally {
      setPending(false);
    }
  };
  return { fields, values, setValues, tried, setTried, pending, outcome, reading, json, send };
}

/** An id that makes a repeated command harmless (AIP-155); randomUUID is not there on plain http. */
function newRequestId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function MethodForm<I extends DescMessage, O extends DescMessage>(props: MethodFormProps<I, O>) {
  const t = useFormText();
  const comments = useComments();
  const { method } = props;
  const form = useMethodForm(props);
  const [asking, setAsking] = useState(false);
  const errors = useErrors(form, t.faults);
  const action = props.action ?? methodLabel(method.name);
  const submit = () => {
    form.setTried(true);
    if (form.reading.faults.size > 0) return;
    if (props.confirm) setAsking(true);
    else void form.send();
  };
  return (
    <form
      className={styles.form}
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      {!props.plain && (
        <p className={styles.comment}>{props.intro ?? comments[`${method.parent.typeName}.${method.name}`]}</p>
      )}
      <GivenChoices value={props.choices ?? NO_CHOICES}>
        <Fields fields={form.fields} values={form.values} onChange={form.setValues} errors={errors} />
      </GivenChoices>
      <div className={styles.actions}>
        <Button type="submit" kind="primary" isPending={form.pending}>
          {action}
        </Button>
      </div>
      {props.confirm && (
        <ConfirmDialog
          title={props.confirm.title}
          action={action}
          {...(props.confirm.count === undefined ? {} : { count: props.confirm.count })}
          isOpen={asking}
          onClose={() => {
            setAsking(false);
          }}
          onConfirm={() => {
            setAsking(false);
            void form.send();
          }}
        >
          {props.confirm.text}
        </ConfirmDialog>
      )}
      <OutcomeView {...props} outcome={form.outcome} />
      {!props.plain && <CommandLines method={method} json={form.json} />}
    </form>
  );
}

function useErrors<O extends DescMessage>(
  form: { tried: boolean; reading: ReturnType<typeof readValues>; outcome: Outcome<O> },
  sentences: Readonly<Record<string, string>>,
): ReadonlyMap<string, string> {
  const errors = new Map<string, string>();
  if (form.tried) for (const [path, fault] of form.reading.faults) errors.set(path, sentences[fault] ?? fault);
  if (form.outcome?.kind === "error") {
    const { field, message } = readError(form.outcome.error);
    if (field) errors.set(field, message.startsWith(`${field}: `) ? message.slice(field.length + 2) : message);
  }
  return errors;
}

function OutcomeView<I extends DescMessage, O extends DescMessage>(
  props: MethodFormProps<I, O> & { outcome: Outcome<O> },
) {
  const t = useFormText();
  const { outcome, method } = props;
  if (!outcome) return <div role="status" />;
  if (outcome.kind === "error") return <ErrorState inline title={t.failed} error={outcome.error} />;
  if (props.answer === false) return null;
  const isEmpty = method.output.fields.length === 0;
  return (
    <div role="status" className={styles.answer}>
      <h3>{t.answer}</h3>
      {props.answer ? (
        props.answer(outcome.answer)
      ) : isEmpty ? (
        <p>{t.emptyAnswer}</p>
      ) : (
        <MessageView desc={method.output} message={outcome.answer} />
      )}
    </div>
  );
}

/** The same as curl and grpcurl, with the values that the form has now. */
export function CommandLines(props: { method: DescMethodUnary; json: JsonObject }) {
  const t = useFormText();
  const { origin } = globalThis.location;
  const curl = curlLine(props.method, props.json, origin);
  return (
    <details className={styles.lines}>
      <summary>{t.asCommand}</summary>
      <div className={styles.linesBody}>
        {curl && <CodeBlock label="curl" text={curl} />}
        <CodeBlock label="grpcurl" text={grpcurlLine(props.method, props.json, origin)} />
        <p className={styles.comment}>{t.tokenHint}</p>
      </div>
    </details>
  );
}

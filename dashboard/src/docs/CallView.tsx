// One call: what it does, who may make it, what it takes and answers, and a form to try it.
import { Badge, CodeBlock, Page, Section } from "../ui";
import styles from "./docs.module.css";
import { limitsText, reasonsOf, resolveResponse, typeText, type ApiDocument, type Call } from "./document";
import type { Access } from "./request";
import { SchemaTable } from "./SchemaTable";
import { Text } from "./Text";
import { TryIt } from "./TryIt";
import { useDocsText } from "./text";

function Permission(props: { document: ApiDocument; call: Call }) {
  const t = useDocsText();
  const name = props.call["x-permission"];
  if (!name) return <Badge>{t.public}</Badge>;
  const role = props.document["x-permissions"][name] ?? "";
  return (
    <>
      <Badge>{t.permission(name)}</Badge> <span>{t.least(role)}</span>{" "}
      <span>{t.scope(props.call["x-scope"] ?? "")}</span>
    </>
  );
}

function Parameters(props: { document: ApiDocument; call: Call }) {
  const t = useDocsText();
  const parameters = props.call.parameters ?? [];
  if (parameters.length === 0) return null;
  return (
    <Section title={t.parameters}>
      <div className={styles.scroll}>
        <table className={styles.table} aria-label={t.parameters}>
          <thead>
            <tr>
              <th scope="col">{t.name}</th>
              <th scope="col">{t.type}</th>
              <th scope="col">{t.description}</th>
            </tr>
          </thead>
          <tbody>
            {parameters.map((parameter) => (
              <tr key={parameter.name}>
                <th scope="row">
                  <code>{parameter.name}</code>
                  <span className={styles.mark}>{t.where[parameter.in]}</span>
                  {parameter.required && <span className={styles.mark}>{t.required}</span>}
                </th>
                <td>
                  {typeText(props.document, parameter.schema)}{" "}
                  <span className={styles.limits}>{limitsText(parameter.schema)}</span>
                </td>
                <td>
                  <Text text={parameter.description ?? ""} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Section>
  );
}

function Answer(props: { document: ApiDocument; call: Call }) {
  const t = useDocsText();
  const [mediaType, media] = Object.entries(props.call.responses["200"]?.content ?? {})[0] ?? [];
  if (!mediaType || !media) return null;
  const example = typeof media.example === "string" ? media.example : JSON.stringify(media.example, null, 2);
  return (
    <Section title={t.answer}>
      <SchemaTable document={props.document} schema={media.schema} label={t.answer} isAnswer />
      <CodeBlock label={`${t.example} · ${mediaType}`} text={example} />
    </Section>
  );
}

function Errors(props: { document: ApiDocument; call: Call }) {
  const t = useDocsText();
  const texts = props.document.components.schemas.Reason?.["x-reasonDescriptions"] ?? {};
  const rows = Object.entries(props.call.responses)
    .filter(([status]) => status !== "200")
    .flatMap(([status, response]) =>
      reasonsOf(resolveResponse(props.document, response)).map((reason) => ({ status, reason })),
    );
  return (
    <Section title={t.errors}>
      <div className={styles.scroll}>
        <table className={styles.table} aria-label={t.errors}>
          <thead>
            <tr>
              <th scope="col">{t.status}</th>
              <th scope="col">{t.reason}</th>
              <th scope="col">{t.description}</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ status, reason }) => (
              <tr key={status + reason}>
                <td>{status}</td>
                <th scope="row">
                  <code>{reason}</code>
                </th>
                <td>
                  <Text text={texts[reason] ?? ""} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Section>
  );
}

export function CallView(props: { document: ApiDocument; call: Call; access: Access }) {
  const t = useDocsText();
  const { document, call, access } = props;
  const body = call.requestBody?.content["application/json"];
  return (
    <Page
      title={call.operationId.replace("_", ".")}
      meta={
        <code>
          {call.verb} {call.path}
        </code>
      }
    >
      <div className={styles.lead}>
        <Text text={call.description} />
      </div>
      <p className={styles.row}>
        <Permission document={document} call={call} />
      </p>
      <TryIt key={call.operationId} call={call} access={access} />
      <Parameters document={document} call={call} />
      {body && (
        <Section title={t.request}>
          <SchemaTable document={document} schema={body.schema} label={t.request} />
        </Section>
      )}
      <Answer document={document} call={call} />
      <Errors document={document} call={call} />
    </Page>
  );
}

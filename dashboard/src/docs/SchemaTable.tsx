// The fields of a type as a table; those of its types are opened in place.
import { useState } from "react";

import { Button } from "../ui";
import styles from "./docs.module.css";
import { innerType, limitsText, resolve, typeText, type ApiDocument, type Schema } from "./document";
import { Text } from "./Text";
import { useDocsText } from "./text";

function Values(props: { schema: Schema }) {
  const t = useDocsText();
  const texts = props.schema["x-enumDescriptions"] ?? {};
  return (
    <details className={styles.values}>
      <summary>{t.values}</summary>
      <dl>
        {props.schema.enum?.map((value) => (
          <div key={value}>
            <dt>
              <code>{value}</code>
            </dt>
            <dd>
              <Text text={texts[value] ?? ""} />
            </dd>
          </div>
        ))}
      </dl>
    </details>
  );
}

function Nested(props: {
  document: ApiDocument;
  schema: Schema;
  name: string;
  isAnswer: boolean;
  above: readonly string[];
}) {
  const [open, setOpen] = useState(false);
  const inner = innerType(props.schema);
  const type = props.document.components.schemas[inner];
  if (!type) return null;
  if (type.enum) return <Values schema={type} />;
  if (!type.properties || props.above.includes(inner)) return null;
  return (
    <>
      <Button
        small
        kind="quiet"
        icon={open ? "chevronDown" : "chevronRight"}
        onPress={() => {
          setOpen(!open);
        }}
      >
        {inner.split(".").at(-1)}
      </Button>
      {open && (
        <SchemaTable
          document={props.document}
          schema={type}
          label={props.name}
          isAnswer={props.isAnswer}
          above={[...props.above, inner]}
        />
      )}
    </>
  );
}

export function SchemaTable(props: {
  document: ApiDocument;
  schema: Schema;
  label: string;
  /** All fields of an answer are there, but for those that are absent on purpose: none is marked as required. */
  isAnswer?: boolean;
  above?: readonly string[];
}) {
  const t = useDocsText();
  const schema = resolve(props.document, props.schema);
  const fields = Object.entries(schema.properties ?? {});
  if (fields.length === 0) return schema.description ? <Text text={schema.description} /> : null;
  return (
    <div className={styles.scroll}>
      <table className={styles.table} aria-label={props.label}>
        <thead>
          <tr>
            <th scope="col">{t.name}</th>
            <th scope="col">{t.type}</th>
            <th scope="col">{t.description}</th>
          </tr>
        </thead>
        <tbody>
          {fields.map(([name, field]) => (
            <tr key={name}>
              <th scope="row">
                <code>{name}</code>
                {!props.isAnswer && schema.required?.includes(name) && (
                  <span className={styles.mark}>{t.required}</span>
                )}
                {field.readOnly && <span className={styles.mark}>{t.readOnly}</span>}
                {field.deprecated && <span className={styles.mark}>{t.deprecated}</span>}
              </th>
              <td>
                {typeText(props.document, field)} <span className={styles.limits}>{limitsText(field)}</span>
              </td>
              <td>
                <Text text={field.description ?? ""} />
                <Nested
                  document={props.document}
                  schema={field}
                  name={name}
                  isAnswer={props.isAnswer ?? false}
                  above={props.above ?? []}
                />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

// An answer as people read it: names and values, in the order of the contract. Absent fields are left out.
import { ScalarType, toJson, type DescEnum, type DescField, type DescMessage, type Message } from "@bufbuild/protobuf";
import { reflect, type ReflectMessage } from "@bufbuild/protobuf/reflect";
import type { Timestamp, Duration } from "@bufbuild/protobuf/wkt";
import type { ReactNode } from "react";

import { durationS } from "../formats/formats";
import { Time, useFormats } from "../formats/Time";
import styles from "./MessageView.module.css";
import { enumLabel, fieldLabel, ocppWord, unitOf } from "./model";
import { useFormText } from "./text";

export function MessageView(props: { desc: DescMessage; message: Message }) {
  return <View message={reflect(props.desc, props.message)} />;
}

function View(props: { message: ReflectMessage }) {
  const t = useFormText();
  const { message } = props;
  const fields = message.fields.filter((field) => message.isSet(field));
  if (fields.length === 0) return <span className={styles.none}>{t.unspecified}</span>;
  return (
    <dl className={styles.view}>
      {fields.map((field) => {
        const { unit } = unitOf(field.name);
        return (
          <div key={field.name} className={styles.pair}>
            <dt>{fieldLabel(field.name)}</dt>
            <dd>
              <FieldView message={message} field={field} />
              {unit && field.fieldKind === "scalar" && ` ${unit}`}
            </dd>
          </div>
        );
      })}
    </dl>
  );
}

function FieldView(props: { message: ReflectMessage; field: DescField }): ReactNode {
  const { message, field } = props;
  switch (field.fieldKind) {
    case "scalar":
      return <Scalar type={field.scalar} value={message.get(field)} />;
    case "enum":
      return <EnumWord desc={field.enum} number={message.get(field)} />;
    case "message":
      return <Nested desc={field.message} message={message.get(field)} />;
    case "list":
      return (
        <ol className={styles.list}>
          {[...message.get(field)].map((item, index) => (
            <li key={index}>
              <Item field={field} value={item} />
            </li>
          ))}
        </ol>
      );
    case "map":
      return (
        <dl className={styles.view}>
          {[...message.get(field).entries()].map(([key, value]) => (
            <div key={String(key)} className={styles.pair}>
              <dt>{String(key)}</dt>
              <dd>
                <Item field={field} value={value} />
              </dd>
            </div>
          ))}
        </dl>
      );
  }
}

function Item(props: { field: DescField & { fieldKind: "list" | "map" }; value: unknown }) {
  const { field, value } = props;
  const kind = field.fieldKind === "list" ? field.listKind : field.mapKind;
  if (kind === "message" && field.message) return <Nested desc={field.message} message={value as ReflectMessage} />;
  if (kind === "enum" && field.enum) return <EnumWord desc={field.enum} number={value as number} />;
  return <Scalar type={field.scalar ?? ScalarType.STRING} value={value} />;
}

function Nested(props: { desc: DescMessage; message: ReflectMessage }) {
  const formats = useFormats();
  const inner = props.message.message;
  switch (props.desc.typeName) {
    case "google.protobuf.Timestamp":
      return <Time value={inner as Timestamp} />;
    case "google.protobuf.Duration":
      return <>{formats.duration(durationS(inner as Duration))}</>;
    case "google.protobuf.Struct":
    case "google.protobuf.Value":
    case "google.protobuf.ListValue":
      return <pre className={styles.json}>{JSON.stringify(toJson(props.desc, inner), null, 2)}</pre>;
    default:
      return <View message={props.message} />;
  }
}

function Scalar(props: { type: ScalarType; value: unknown }): ReactNode {
  const t = useFormText();
  const { type, value } = props;
  if (typeof value === "boolean") return value ? t.yes : t.no;
  if (type === ScalarType.BYTES) return <code>{btoa(String.fromCharCode(...(value as Uint8Array)))}</code>;
  return String(value);
}

/** A value in the words of OCPP, with ours where they differ. */
function EnumWord(props: { desc: DescEnum; number: number }) {
  const value = props.desc.value[props.number];
  if (!value) return <>{props.number}</>;
  const ours = enumLabel(props.desc, value.name);
  const theirs = ocppWord(props.desc, value);
  return (
    <>
      {ours}
      {theirs && <span className={styles.word}>{theirs}</span>}
    </>
  );
}

// The fields of a message as controls, nested to any depth.
import type { DescEnum } from "@bufbuild/protobuf";
import { createContext, use, useId, type ReactNode } from "react";

import { Button, IconButton, Select, Switch, TextArea, TextField } from "../ui";
import styles from "./Fields.module.css";
import { useComments } from "./help";
import { enumLabel, nestedFields, ocppWord, type FormField, type Input } from "./model";
import { useFormText } from "./text";
import { oneofKey, type MapEntry, type Value, type Values } from "./values";

/** Fields of oneofs, by their full names, that are chosen for good: there is no control to choose another. */
export const GivenChoices = createContext<readonly string[]>([]);

export interface FieldsProps {
  fields: readonly FormField[];
  values: Values;
  onChange: (values: Values) => void;
  /** Sentences by the path of the field. */
  errors: ReadonlyMap<string, string>;
  path?: string;
}

interface ControlProps {
  input: Input;
  label: string;
  unit?: string | undefined;
  help?: ReactNode;
  required?: boolean;
  optional?: boolean;
  value: Value;
  onChange: (value: Value) => void;
  errors: ReadonlyMap<string, string>;
  path: string;
}

export function Fields(props: FieldsProps) {
  const t = useFormText();
  const usual = props.fields.filter((field) => !field.advanced);
  const advanced = props.fields.filter((field) => field.advanced);
  return (
    <div className={styles.fields}>
      <FieldList {...props} fields={usual} />
      {advanced.length > 0 && (
        <details className={styles.advanced}>
          <summary>{t.advanced}</summary>
          <FieldList {...props} fields={advanced} />
        </details>
      )}
    </div>
  );
}

function FieldList(props: FieldsProps) {
  const { fields, values, onChange, errors, path } = props;
  const comments = useComments();
  const seen = new Set<string>();
  return (
    <div className={styles.fields}>
      {fields.map((field) => {
        if (field.oneof && seen.has(field.oneof)) return null;
        if (field.oneof) seen.add(field.oneof);
        const set = (value: Value) => {
          onChange({ ...values, [field.name]: value });
        };
        if (field.oneof) {
          const group = fields.filter((other) => other.oneof === field.oneof);
          return <Oneof key={field.oneof} {...props} oneof={field.oneof} group={group} />;
        }
        return (
          <Control
            key={field.name}
            input={field.input}
            label={field.label}
            unit={field.unit}
            help={comments[field.fullName]}
            required={field.required}
            optional={field.optional}
            value={values[field.name]}
            onChange={set}
            errors={errors}
            path={path ? `${path}.${field.name}` : field.name}
          />
        );
      })}
    </div>
  );
}

function Oneof(props: FieldsProps & { oneof: string; group: readonly FormField[] }) {
  const t = useFormText();
  const comments = useComments();
  const { values, onChange, group, oneof } = props;
  const key = oneofKey(oneof);
  const chosen = group.find((field) => field.name === values[key]);
  const isGiven = use(GivenChoices).includes(chosen?.fullName ?? "");
  return (
    <div className={isGiven ? undefined : styles.nested}>
      {!isGiven && (
        <Select
          label={t.chooseOne}
          value={chosen?.name ?? ""}
          placeholder={t.unspecified}
          options={[
            { id: "-", label: t.unspecified },
            ...group.map((field) => ({ id: field.name, label: field.label })),
          ]}
          onChange={(name) => {
            onChange({ ...values, [key]: name === "-" ? undefined : name });
          }}
        />
      )}
      {chosen && (
        <Control
          input={chosen.input}
          label={chosen.label}
          unit={chosen.unit}
          help={comments[chosen.fullName]}
          required
          value={values[chosen.name]}
          onChange={(value) => {
            onChange({ ...values, [chosen.name]: value });
          }}
          errors={props.errors}
          path={props.path ? `${props.path}.${chosen.name}` : chosen.name}
        />
      )}
    </div>
  );
}

function Control(props: ControlProps) {
  const { input } = props;
  switch (input.kind) {
    case "boolean":
      return <BooleanControl {...props} />;
    case "enum":
      return <EnumControl {...props} desc={input.desc} />;
    case "message":
      return <MessageControl {...props} input={input} />;
    case "list":
      return <ListControl {...props} item={input.item} />;
    case "map":
      return <MapControl {...props} input={input} />;
    default:
      return <TextControl {...props} />;
  }
}

function TextControl(props: ControlProps) {
  const { input, label, help, value, onChange, errors, path } = props;
  const common = {
    label,
    help,
    error: errors.get(path),
    isRequired: props.required ?? false,
    value: typeof value === "string" ? value : "",
    onChange,
  };
  const unit = props.unit ?? (input.kind === "duration" ? "s" : undefined);
  switch (input.kind) {
    case "json":
      return <TextArea {...common} mono rows={5} placeholder={input.shape === "list" ? "[]" : "{}"} />;
    case "bytes":
      return <TextArea {...common} mono rows={3} />;
    case "timestamp":
      return <TextField {...common} type="datetime-local" />;
    case "integer":
      return <TextField {...common} inputMode="numeric" unit={unit} />;
    case "number":
    case "duration":
      return <TextField {...common} inputMode="decimal" unit={unit} />;
    default:
      return isLong(path) ? (
        <TextArea {...common} mono rows={5} />
      ) : (
        <TextField {...common} unit={unit} {...(isSecret(path) ? { type: "password", autoComplete: "off" } : {})} />
      );
  }
}

function isLong(path: string): boolean {
  return /(^|\.|_)(csv|pem|certificate|certificate_chain|payload|description|notes?)$/.test(path);
}

function isSecret(path: string): boolean {
  return /(^|[._])(password|credential|secret)$/.test(path);
}

function BooleanControl(props: ControlProps) {
  const t = useFormText();
  const { label, help, value, onChange } = props;
  if (!props.optional) {
    return (
      <div>
        <Switch isSelected={value === true} onChange={onChange}>
          {label}
        </Switch>
        {help && <p className={styles.help}>{help}</p>}
      </div>
    );
  }
  return (
    <Select
      label={label}
      help={help}
      placeholder={t.unspecified}
      value={typeof value === "boolean" ? String(value) : ""}
      options={[
        { id: "-", label: t.unspecified },
        { id: "true", label: t.yes },
        { id: "false", label: t.no },
      ]}
      onChange={(id) => {
        onChange(id === "-" ? undefined : id === "true");
      }}
    />
  );
}

function EnumControl(props: ControlProps & { desc: DescEnum }) {
  const t = useFormText();
  const comments = useComments();
  const { desc, label, help, value, onChange, errors, path, required } = props;
  const options = desc.values
    .filter((one) => one.number !== 0)
    .map((one) => {
      const comment = comments[`${desc.typeName}.${one.name}`];
      const description = [ocppWord(desc, one), comment].filter(Boolean).join(" · ");
      return { id: one.name, label: enumLabel(desc, one.name), ...(description ? { description } : {}) };
    });
  return (
    <Select
      label={label}
      help={help}
      error={errors.get(path)}
      isRequired={required ?? false}
      placeholder={t.unspecified}
      value={typeof value === "string" ? value : ""}
      options={required ? options : [{ id: "-", label: t.unspecified }, ...options]}
      onChange={(id) => {
        onChange(id === "-" ? undefined : id);
      }}
    />
  );
}

function Group(props: {
  label: string;
  help?: ReactNode;
  error?: string | undefined;
  actions?: ReactNode;
  children?: ReactNode;
}) {
  const id = useId();
  return (
    <fieldset className={styles.group} aria-labelledby={id}>
      <div className={styles.groupHead}>
        <span id={id} className={styles.groupLabel}>
          {props.label}
        </span>
        {props.actions}
      </div>
      {props.help && <p className={styles.help}>{props.help}</p>}
      {props.error && <p className={styles.error}>{props.error}</p>}
      {props.children}
    </fieldset>
  );
}

function MessageControl(props: ControlProps & { input: Input & { kind: "message" } }) {
  const t = useFormText();
  const { label, help, value, onChange, errors, path, required } = props;
  const isPresent = value !== undefined || required === true;
  const actions = !required && (
    <Button
      small
      kind="quiet"
      icon={isPresent ? "close" : "plus"}
      onPress={() => {
        onChange(isPresent ? undefined : {});
      }}
    >
      {isPresent ? t.remove(label) : t.add(label)}
    </Button>
  );
  return (
    <Group label={label} help={help} error={errors.get(path)} actions={actions}>
      {isPresent && (
        <div className={styles.nested}>
          <Fields
            fields={nestedFields(props.input)}
            values={(value ?? {}) as Values}
            onChange={onChange}
            errors={errors}
            path={path}
          />
        </div>
      )}
    </Group>
  );
}

/** The value of a new item: a message is there at once, a text is still empty. */
function emptyOf(input: Input): Value {
  return input.kind === "message" ? {} : input.kind === "boolean" ? false : "";
}

function ListControl(props: ControlProps & { item: Input }) {
  const t = useFormText();
  const { label, help, value, onChange, errors, path, item } = props;
  const items = Array.isArray(value) ? (value as Value[]) : [];
  const actions = (
    <Button
      small
      kind="quiet"
      icon="plus"
      onPress={() => {
        onChange([...items, emptyOf(item)]);
      }}
    >
      {t.add(label)}
    </Button>
  );
  return (
    <Group label={label} help={help} error={errors.get(path)} actions={actions}>
      {items.map((one, index) => (
        <div key={index} className={styles.item}>
          <div className={styles.itemBody}>
            <Control
              input={item}
              label={`${label} ${String(index + 1)}`}
              unit={props.unit}
              required
              value={one}
              onChange={(next) => {
                onChange(items.map((old, at) => (at === index ? next : old)));
              }}
              errors={errors}
              path={`${path}[${String(index)}]`}
            />
          </div>
          <IconButton
            label={t.remove(`${label} ${String(index + 1)}`)}
            icon="trash"
            onPress={() => {
              onChange(items.filter((_, at) => at !== index));
            }}
          />
        </div>
      ))}
    </Group>
  );
}

function MapControl(props: ControlProps & { input: Input & { kind: "map" } }) {
  const t = useFormText();
  const { label, help, value, onChange, errors, path, input } = props;
  const entries = Array.isArray(value) ? (value as MapEntry[]) : [];
  const change = (index: number, entry: MapEntry) => {
    onChange(entries.map((old, at) => (at === index ? entry : old)));
  };
  const actions = (
    <Button
      small
      kind="quiet"
      icon="plus"
      onPress={() => {
        onChange([...entries, { key: "", value: emptyOf(input.value) }]);
      }}
    >
      {t.add(label)}
    </Button>
  );
  return (
    <Group label={label} help={help} error={errors.get(path)} actions={actions}>
      {entries.map((entry, index) => (
        <div key={index} className={styles.item}>
          <TextField
            label={t.key}
            value={entry.key}
            onChange={(key) => {
              change(index, { ...entry, key });
            }}
          />
          <div className={styles.itemBody}>
            <Control
              input={input.value}
              label={t.value}
              value={entry.value}
              onChange={(next) => {
                change(index, { ...entry, value: next });
              }}
              errors={errors}
              path={`${path}.${entry.key}`}
            />
          </div>
          <IconButton
            label={t.remove(entry.key || label)}
            icon="trash"
            onPress={() => {
              onChange(entries.filter((_, at) => at !== index));
            }}
          />
        </div>
      ))}
    </Group>
  );
}

// The fields of a form, read from the descriptor of a message. Pure.
import {
  getOption,
  hasOption,
  ScalarType,
  type DescEnum,
  type DescEnumValue,
  type DescField,
  type DescMessage,
} from "@bufbuild/protobuf";

import { for_many_stations, ocpp_word } from "../stubs/csms/options/v1/options_pb";
import { isDeprecated, isOutputOnly, isRequired } from "../api/methods";
import { wordsNow } from "../i18n/words";

export type Input =
  | { kind: "text" }
  | { kind: "bytes" }
  | { kind: "integer"; signed: boolean }
  | { kind: "number" }
  | { kind: "boolean" }
  | { kind: "enum"; desc: DescEnum }
  | { kind: "message"; desc: DescMessage; hidden?: readonly string[] }
  | { kind: "list"; item: Input }
  | { kind: "map"; key: Input; value: Input }
  | { kind: "timestamp" }
  | { kind: "duration" }
  | { kind: "json"; shape: "object" | "value" | "list" }
  | { kind: "mask" };

export interface FormField {
  /** Name in the contract: `evse_id`. */
  name: string;
  jsonName: string;
  /** Full name, the key of its comment: `csms.station.v1.ResetRequest.type`. */
  fullName: string;
  label: string;
  unit?: string;
  required: boolean;
  /** Has presence: absent and zero differ. */
  optional: boolean;
  advanced: boolean;
  /** The oneof that it is a part of. */
  oneof?: string;
  input: Input;
}

const ADVANCED = new Set(["request_id", "timeout_s", "update_mask", "page_size", "page_token", "validate_only"]);

const UNITS: readonly (readonly [string, string])[] = [
  ["_percent", "%"],
  ["_minutes", "min"],
  ["_hours", "h"],
  ["_days", "d"],
  ["_bytes", "B"],
  ["_kwh", "kWh"],
  ["_wh", "Wh"],
  ["_kw", "kW"],
  ["_ms", "ms"],
  ["_s", "s"],
  ["_w", "W"],
  ["_a", "A"],
  ["_v", "V"],
];

const WORDS: Record<string, string> = {
  id: "ID",
  ids: "IDs",
  evse: "EVSE",
  csv: "CSV",
  url: "URL",
  uri: "URI",
  ocpp: "OCPP",
  iccid: "ICCID",
  imsi: "IMSI",
  soc: "SoC",
};

/** `evse_id` as people read it: "EVSE ID", or the word of their language. */
export function labelOf(name: string): string {
  const known = wordsNow()?.fields[name];
  if (known) return known;
  const words = name.split("_").map((word) => WORDS[word] ?? word);
  const text = words.join(" ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Takes the unit off the name of a field: `timeout_s` is "Timeout" in s. */
export function unitOf(name: string): { name: string; unit?: string } {
  const found = UNITS.find(([suffix]) => name.endsWith(suffix) && name.length > suffix.length);
  return found ? { name: name.slice(0, -found[0].length), unit: found[1] } : { name };
}

/** The label of a field without its unit; a language may have one for the whole name, as for `event_days`. */
export function fieldLabel(name: string): string {
  return wordsNow()?.fields[name] ?? labelOf(unitOf(name).name);
}

function scalarInput(type: ScalarType): Input {
  switch (type) {
    case ScalarType.STRING:
      return { kind: "text" };
    case ScalarType.BYTES:
      return { kind: "bytes" };
    case ScalarType.BOOL:
      return { kind: "boolean" };
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return { kind: "number" };
    case ScalarType.UINT32:
    case ScalarType.UINT64:
    case ScalarType.FIXED32:
    case ScalarType.FIXED64:
      return { kind: "integer", signed: false };
    default:
      return { kind: "integer", signed: true };
  }
}

function messageInput(desc: DescMessage): Input {
  switch (desc.typeName) {
    case "google.protobuf.Timestamp":
      return { kind: "timestamp" };
    case "google.protobuf.Duration":
      return { kind: "duration" };
    case "google.protobuf.Struct":
      return { kind: "json", shape: "object" };
    case "google.protobuf.ListValue":
      return { kind: "json", shape: "list" };
    case "google.protobuf.Value":
      return { kind: "json", shape: "value" };
    case "google.protobuf.FieldMask":
      return { kind: "mask" };
    default:
      return { kind: "message", desc };
  }
}

function inputOf(field: DescField): Input {
  switch (field.fieldKind) {
    case "scalar":
      return scalarInput(field.scalar);
    case "enum":
      return { kind: "enum", desc: field.enum };
    case "message":
      return nestedInput(field, field.message);
    case "list":
      return { kind: "list", item: itemInput(field) };
    case "map":
      return { kind: "map", key: scalarInput(field.mapKey), value: itemInput(field) };
  }
}

// The station and the id of a command that is given to many stations are the rollout's to fill in.
const FILLED_IN = ["station_id", "request_id"];

function nestedInput(field: DescField, desc: DescMessage): Input {
  const input = messageInput(desc);
  const isForMany = hasOption(field, for_many_stations) && getOption(field, for_many_stations);
  return input.kind === "message" && isForMany ? { ...input, hidden: FILLED_IN } : input;
}

function itemInput(field: DescField & { fieldKind: "list" | "map" }): Input {
  const kind = field.fieldKind === "list" ? field.listKind : field.mapKind;
  if (kind === "enum" && field.enum) return { kind: "enum", desc: field.enum };
  if (kind === "message" && field.message) return messageInput(field.message);
  return scalarInput(field.scalar ?? ScalarType.STRING);
}

function isLarge(input: Input): boolean {
  if (input.kind === "list" || input.kind === "map") return false;
  return input.kind === "message" && input.desc.fields.length > 4;
}

function toField(field: DescField): FormField {
  const { unit } = unitOf(field.name);
  const required = isRequired(field);
  const input = inputOf(field);
  return {
    name: field.name,
    jsonName: field.jsonName,
    fullName: `${field.parent.typeName}.${field.name}`,
    label: fieldLabel(field.name),
    ...(unit === undefined ? {} : { unit }),
    required,
    optional: field.fieldKind === "scalar" || field.fieldKind === "enum" ? field.proto.proto3Optional : true,
    // The fields of a oneof stay together, however large one of them is.
    advanced: ADVANCED.has(field.name) || (!required && !field.oneof && isLarge(input)),
    ...(field.oneof ? { oneof: field.oneof.name } : {}),
    input,
  };
}

/**
 * The fields of a message for a form: required ones first, then the others in their own order. Deprecated fields and
 * those that only answers have are left out, as are those named in `hidden`.
 */
export function formFields(desc: DescMessage, hidden: readonly string[] = []): FormField[] {
  const fields = desc.fields
    .filter((field) => !isDeprecated(field) && !isOutputOnly(field) && !hidden.includes(field.name))
    .map(toField);
  return [...fields.filter((field) => field.required), ...fields.filter((field) => !field.required)];
}

/** The fields, whose messages leave out those of the names that have a dot: `station.station_id`. */
export function withoutNested(fields: readonly FormField[], names: readonly string[]): FormField[] {
  return fields.map((field) => {
    const prefix = `${field.name}.`;
    const hidden = names.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
    if (field.input.kind !== "message" || hidden.length === 0) return field;
    return { ...field, input: { ...field.input, hidden: [...(field.input.hidden ?? []), ...hidden] } };
  });
}

/** The fields of a message within a form. */
export function nestedFields(input: Input & { kind: "message" }): FormField[] {
  return formFields(input.desc, input.hidden);
}

function bareName(desc: DescEnum, name: string): string {
  const prefix =
    desc.sharedPrefix?.toUpperCase() ?? `${desc.name.replaceAll(/(?<=[a-z0-9])(?=[A-Z])/g, "_").toUpperCase()}_`;
  return name.startsWith(prefix) ? name.slice(prefix.length) : name;
}

/** The word of OCPP for a value, where it says more than ours: technicians know it from stations and their manuals. */
export function ocppWord(desc: DescEnum, value: DescEnumValue): string {
  const theirs = hasOption(value, ocpp_word) ? getOption(value, ocpp_word) : "";
  return theirs.toLowerCase() === enumLabel(desc, value.name).toLowerCase().replaceAll(" ", "") ? "" : theirs;
}

/** `RESET_TYPE_ON_IDLE` of `ResetType` as people read it: "On idle", or the word of their language. */
export function enumLabel(desc: DescEnum, name: string): string {
  const bare = bareName(desc, name);
  return wordsNow()?.valuesOf[desc.name]?.[bare] ?? valueLabel(bare);
}

/** A value without its prefix, `ON_IDLE`, where the enumeration is not known. */
export function valueLabel(bare: string): string {
  const known = wordsNow()?.values[bare];
  if (known) return known;
  const text = bare
    .toLowerCase()
    .split("_")
    .map((word) => WORDS[word] ?? word)
    .join(" ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** `RequestStartTransaction` as people read it: "Request start transaction", or the words of their language. */
export function methodLabel(name: string): string {
  const known = wordsNow()?.methods[name];
  if (known) return known;
  const text = name.replaceAll(/(?<=[a-z0-9])(?=[A-Z])/g, " ").toLowerCase();
  return text.charAt(0).toUpperCase() + text.slice(1);
}

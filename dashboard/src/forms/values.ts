// The values of a form, and the JSON (ProtoJSON) of the message that they make. Pure.
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";

import { nestedFields, type FormField, type Input } from "./model";

/** Texts as typed; booleans; nested values; lists; maps as lists of pairs. Undefined: absent. */
export type Value = string | boolean | undefined | Values | Value[] | MapEntry[];
export interface Values {
  [name: string]: Value;
}
export interface MapEntry {
  key: string;
  value: Value;
}

export type Fault = "required" | "integer" | "number" | "json" | "time" | "duration" | "base64";

export interface Reading {
  json: JsonObject;
  /** Faults by the path of the field in the contract: `evse.evse_id`, `variables[0].value`. */
  faults: ReadonlyMap<string, Fault>;
}

/** The name under which the choice of a oneof is kept among the values. */
export function oneofKey(oneof: string): string {
  return `oneof:${oneof}`;
}

class Reader {
  readonly faults = new Map<string, Fault>();

  fields(fields: readonly FormField[], values: Values, path: string): JsonObject {
    const json: JsonObject = {};
    for (const field of fields) {
      if (field.oneof && values[oneofKey(field.oneof)] !== field.name) continue;
      const place = path ? `${path}.${field.name}` : field.name;
      const value = this.value(field.input, values[field.name], place, field.required || Boolean(field.oneof));
      if (value !== undefined) json[field.jsonName] = value;
      else if (field.required && !this.faults.has(place)) this.faults.set(place, "required");
    }
    return json;
  }

  private value(input: Input, value: Value, path: string, present: boolean): JsonValue | undefined {
    switch (input.kind) {
      case "boolean":
        return typeof value === "boolean" ? value : undefined;
      case "message":
        if (value === undefined && !present) return undefined;
        return this.fields(nestedFields(input), (value ?? {}) as Values, path);
      case "list":
        return this.list(input.item, value, path);
      case "map":
        return this.map(input, value, path);
      default:
        return typeof value === "string" && value.trim() !== "" ? this.text(input, value, path) : undefined;
    }
  }

  private list(item: Input, value: Value, path: string): JsonValue | undefined {
    if (!Array.isArray(value) || value.length === 0) return undefined;
    return (value as Value[]).map((one, index) => {
      const place = `${path}[${String(index)}]`;
      const read = this.value(item, one, place, true);
      if (read === undefined && !this.faults.has(place)) this.faults.set(place, "required");
      return read ?? null;
    });
  }

  private map(input: Input & { kind: "map" }, value: Value, path: string): JsonValue | undefined {
    if (!Array.isArray(value) || value.length === 0) return undefined;
    const json: JsonObject = {};
    for (const entry of value as MapEntry[]) {
      if (entry.key === "") this.faults.set(path, "required");
      json[entry.key] = this.value(input.value, entry.value, `${path}.${entry.key}`, true) ?? "";
    }
    return json;
  }

  private text(input: Input, text: string, path: string): JsonValue | undefined {
    const read = readText(input, text);
    if ("fault" in read) {
      this.faults.set(path, read.fault);
      return undefined;
    }
    return read.json;
  }
}

function readText(input: Input, text: string): { json: JsonValue } | { fault: Fault } {
  const trimmed = text.trim();
  switch (input.kind) {
    case "integer":
      if (!(input.signed ? /^-?\d+$/ : /^\d+$/).test(trimmed)) return { fault: "integer" };
      return { json: Number.isSafeInteger(Number(trimmed)) ? Number(trimmed) : trimmed };
    case "number":
      return Number.isFinite(Number(trimmed.replace(",", ".")))
        ? { json: Number(trimmed.replace(",", ".")) }
        : { fault: "number" };
    case "timestamp": {
      const time = new Date(trimmed);
      return Number.isNaN(time.getTime()) ? { fault: "time" } : { json: time.toISOString() };
    }
    case "duration":
      return /^\d+([.,]\d{1,9})?$/.test(trimmed) ? { json: `${trimmed.replace(",", ".")}s` } : { fault: "duration" };
    case "bytes":
      return /^[A-Za-z0-9+/_-]*={0,2}$/.test(trimmed) ? { json: trimmed } : { fault: "base64" };
    case "json":
      return readJson(trimmed, input.shape);
    case "mask":
      return {
        json: trimmed
          .split(/[\s,]+/)
          .map((name) => name.replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase()))
          .join(","),
      };
    default:
      return { json: text };
  }
}

function readJson(text: string, shape: "object" | "value" | "list"): { json: JsonValue } | { fault: Fault } {
  try {
    const json = JSON.parse(text) as JsonValue;
    const isObject = typeof json === "object" && json !== null && !Array.isArray(json);
    if ((shape === "object" && !isObject) || (shape === "list" && !Array.isArray(json))) return { fault: "json" };
    return { json };
  } catch {
    return { fault: "json" };
  }
}

/** Reads the values of a form: the message as JSON, and what is wrong with it. */
export function readValues(fields: readonly FormField[], values: Values): Reading {
  const reader = new Reader();
  return { json: reader.fields(fields, values, ""), faults: reader.faults };
}

/** The values of a form that show a message given as ProtoJSON with the names of the contract or of JSON. */
export function toValues(fields: readonly FormField[], json: JsonObject): Values {
  const values: Values = {};
  for (const field of fields) {
    const given = json[field.jsonName] ?? json[field.name];
    if (given === undefined || given === null) continue;
    if (field.oneof) values[oneofKey(field.oneof)] = field.name;
    values[field.name] = toValue(field.input, given);
  }
  return values;
}

function toValue(input: Input, json: JsonValue): Value {
  switch (input.kind) {
    case "boolean":
      return json === true;
    case "message":
      return toValues(nestedFields(input), json as JsonObject);
    case "list":
      return (json as JsonValue[]).map((item) => toValue(input.item, item));
    case "map":
      return Object.entries(json as JsonObject).map(([key, value]) => ({ key, value: toValue(input.value, value) }));
    case "json":
      return JSON.stringify(json, null, 2);
    case "timestamp":
      return toLocalText(new Date(textOf(json)));
    case "duration":
      return textOf(json).replace(/s$/, "");
    default:
      return textOf(json);
  }
}

function textOf(json: JsonValue): string {
  return typeof json === "string" ? json : JSON.stringify(json);
}

/** A time in the form of a field `datetime-local`, in the zone of the viewer. */
export function toLocalText(time: Date): string {
  const local = new Date(time.getTime() - time.getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 16);
}

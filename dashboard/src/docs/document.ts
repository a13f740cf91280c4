// The OpenAPI document as this page reads it: what deploy/openapi writes, and no other.

export interface Schema {
  $ref?: string;
  type?: string | string[];
  format?: string;
  description?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  additionalProperties?: boolean | Schema;
  allOf?: Schema[];
  contains?: Schema;
  enum?: string[];
  "x-enumDescriptions"?: Record<string, string>;
  "x-reasonDescriptions"?: Record<string, string>;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  maxItems?: number;
  default?: unknown;
  readOnly?: boolean;
  deprecated?: boolean;
}

export interface Parameter {
  name: string;
  in: "path" | "query" | "header";
  required?: boolean;
  description?: string;
  schema: Schema;
  example?: string | number | boolean;
}

export interface MediaType {
  schema: Schema;
  example?: unknown;
}

export interface Response {
  $ref?: string;
  description?: string;
  content?: Record<string, MediaType>;
}

export interface Operation {
  operationId: string;
  tags: string[];
  summary: string;
  description: string;
  parameters?: Parameter[];
  requestBody?: { required: boolean; content: Record<string, MediaType> };
  responses: Record<string, Response>;
  security: Record<string, string[]>[];
  "x-grpc-method": string;
  "x-permission"?: string;
  "x-scope"?: string;
  "x-public"?: boolean;
}

export interface ApiDocument {
  info: { title: string; version: string; description: string };
  tags: { name: string; description: string }[];
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema>; responses: Record<string, Response> };
  "x-permissions": Record<string, string>;
}

/** An operation with its place. */
export interface Call extends Operation {
  verb: string;
  path: string;
}

export async function loadDocument(): Promise<ApiDocument> {
  const answer = await fetch("/openapi.json");
  if (!answer.ok) throw new Error(`/openapi.json: ${String(answer.status)}`);
  return (await answer.json()) as ApiDocument;
}

export function calls(document: ApiDocument): Call[] {
  return Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([verb, operation]) => ({ ...operation, verb: verb.toUpperCase(), path })),
  );
}

/** The calls whose path, name, summary or permission has all words of a search. */
export function matching(all: readonly Call[], search: string): Call[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  return all.filter((call) => {
    const text = [call.verb, call.path, call.operationId, call.summary, call["x-permission"]].join(" ").toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

/** Groups of calls in the order of the document's tags; groups without any are left out. */
export function byTag(document: ApiDocument, found: readonly Call[]): [string, Call[]][] {
  return document.tags
    .map(({ name }): [string, Call[]] => [name, found.filter((call) => call.tags.includes(name))])
    .filter(([, group]) => group.length > 0);
}

const SCHEMAS = "#/components/schemas/";
const RESPONSES = "#/components/responses/";

/** The name of the type that a schema refers to; empty for one that stands here. */
export function typeName(schema: Schema): string {
  return schema.$ref?.startsWith(SCHEMAS) ? schema.$ref.slice(SCHEMAS.length) : "";
}

export function resolve(document: ApiDocument, schema: Schema): Schema {
  const name = typeName(schema);
  return name ? { ...document.components.schemas[name], ...schema } : schema;
}

export function resolveResponse(document: ApiDocument, response: Response): Response {
  const name = response.$ref?.startsWith(RESPONSES) ? response.$ref.slice(RESPONSES.length) : "";
  return name ? (document.components.responses[name] ?? response) : response;
}

/** The reasons that an error response may have. */
export function reasonsOf(response: Response): string[] {
  const only = response.content?.["application/json"]?.schema.allOf?.[1];
  return only?.properties?.details?.contains?.properties?.reason?.enum ?? [];
}

/** The type of a value in a few words: `string`, `integer[]`, `Station`. */
export function typeText(document: ApiDocument, schema: Schema): string {
  const name = typeName(schema);
  if (name) return name.split(".").at(-1) ?? name;
  if (schema.type === "array") return `${typeText(document, schema.items ?? {})}[]`;
  if (schema.type === "object" && typeof schema.additionalProperties === "object")
    return `map<string, ${typeText(document, schema.additionalProperties)}>`;
  const type = Array.isArray(schema.type) ? schema.type.join(" | ") : (schema.type ?? "any");
  return schema.format ? `${type} (${schema.format})` : type;
}

/** The type whose fields a value has: that of a list's items, too. Empty where there is none. */
export function innerType(schema: Schema): string {
  if (schema.type === "array" && schema.items) return innerType(schema.items);
  if (typeof schema.additionalProperties === "object") return innerType(schema.additionalProperties);
  return typeName(schema);
}

/** The limits of a value, as they are in the document: `≤ 64`, `1–255`. */
export function limitsText(schema: Schema): string {
  const range = (least: number | undefined, most: number | undefined) => {
    if (least !== undefined && most !== undefined) return `${String(least)}–${String(most)}`;
    if (most !== undefined) return `≤ ${String(most)}`;
    return least === undefined ? "" : `≥ ${String(least)}`;
  };
  return (
    range(schema.minimum, schema.maximum) ||
    range(schema.minLength, schema.maxLength) ||
    range(undefined, schema.maxItems)
  );
}

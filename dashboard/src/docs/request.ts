// A call as a person fills it in: its address, its headers, and the line of curl that does the same.
import type { Call } from "./document";

export interface Filled {
  parameters: Record<string, string>;
  body: string;
}

/** The way that a caller proves who it is. */
export type Access = { kind: "session" } | { kind: "token" | "apiKey"; secret: string };

/** The examples of a call. */
export function initial(call: Call): Filled {
  const parameters: Record<string, string> = {};
  for (const { name, example } of call.parameters ?? [])
    parameters[name] = example === undefined ? "" : String(example);
  const body = call.requestBody?.content["application/json"]?.example;
  return { parameters, body: body === undefined ? "" : JSON.stringify(body, null, 2) };
}

/** Names of what is missing: of required parameters without a value. */
export function missing(call: Call, filled: Filled): string[] {
  return (call.parameters ?? [])
    .filter(({ name, required }) => required && !filled.parameters[name])
    .map((p) => p.name);
}

/** Whether the body is JSON, or there is none. */
export function isReadable(body: string): boolean {
  if (!body.trim()) return true;
  try {
    JSON.parse(body);
    return true;
  } catch {
    return false;
  }
}

export function address(call: Call, filled: Filled): string {
  const query = new URLSearchParams();
  let path = call.path;
  for (const parameter of call.parameters ?? []) {
    const value = filled.parameters[parameter.name] ?? "";
    if (parameter.in === "path") path = path.replace(`{${parameter.name}}`, encodeURIComponent(value));
    else if (parameter.in === "query" && value !== "") {
      const values = parameter.schema.type === "array" ? value.split(",") : [value];
      for (const each of values) query.append(parameter.name, each.trim());
    }
  }
  const search = query.toString();
  return search ? `${path}?${search}` : path;
}

export function headers(call: Call, filled: Filled, credential: Record<string, string>): Record<string, string> {
  const own: Record<string, string> = {};
  for (const parameter of call.parameters ?? []) {
    const value = filled.parameters[parameter.name];
    if (parameter.in === "header" && value) own[parameter.name] = value;
  }
  return { ...credential, ...(call.requestBody && { "content-type": "application/json" }), ...own };
}

const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

/** The same by curl. The credential is named and not shown: the line is for copying. */
export function curl(origin: string, call: Call, filled: Filled, access: Access, isPublic: boolean): string {
  const parts = [`curl -X ${call.verb} ${quoted(origin + address(call, filled))}`];
  if (!isPublic) {
    const header = access.kind === "apiKey" ? "x-api-key: $API_KEY" : "authorization: Bearer $TOKEN";
    parts.push(`-H "${header}"`);
  }
  for (const [name, value] of Object.entries(headers(call, filled, {})))
    parts.push(`-H ${quoted(`${name}: ${value}`)}`);
  if (call.requestBody) parts.push(`-d ${quoted(filled.body.trim() || "{}")}`);
  return parts.join(" \\\n  ");
}

// The command lines that do the same as a form: curl over REST, grpcurl over gRPC. Pure.
import type { DescMethod, JsonObject, JsonValue } from "@bufbuild/protobuf";

import { restRouteOf } from "../api/methods";

function shellQuoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function jsonNameOf(method: DescMethod, path: string): string[] {
  let desc: DescMethod["input"] | undefined = method.input;
  return path.split(".").map((name) => {
    const field = desc?.fields.find((one) => one.name === name);
    desc = field?.fieldKind === "message" ? field.message : undefined;
    return field?.jsonName ?? name;
  });
}

/** Takes a value out of a copy of the JSON, so that what is in the path is not in the body as well. */
function take(json: JsonObject, names: readonly string[]): JsonValue | undefined {
  const [first, ...rest] = names;
  if (first === undefined) return undefined;
  const value = json[first];
  if (rest.length === 0) {
    // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- a copy of ours
    delete json[first];
    return value;
  }
  return typeof value === "object" && value !== null && !Array.isArray(value) ? take(value, rest) : undefined;
}

function flatten(json: JsonObject, prefix = ""): [string, string][] {
  return Object.entries(json).flatMap(([name, value]): [string, string][] => {
    if (Array.isArray(value)) return value.map((item) => [prefix + name, textOf(item)]);
    if (typeof value === "object" && value !== null) return flatten(value, `${prefix}${name}.`);
    return [[prefix + name, textOf(value)]];
  });
}

function textOf(value: JsonValue): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** The REST request for a message: verb, path with query, body. Undefined where the method has no REST form. */
export function restRequest(
  method: DescMethod,
  message: JsonObject,
): { verb: string; path: string; body?: JsonValue } | undefined {
  const route = restRouteOf(method);
  if (!route) return undefined;
  const rest = structuredClone(message);
  const path = route.path.replaceAll(/\{([^}=]+)(?:=[^}]*)?\}/g, (_, name: string) =>
    encodeURIComponent(textOf(take(rest, jsonNameOf(method, name)) ?? `{${name}}`)),
  );
  if (route.body === "*") return { verb: route.verb, path, body: rest };
  const body = route.body ? (take(rest, jsonNameOf(method, route.body)) ?? {}) : undefined;
  const query = new URLSearchParams(flatten(rest)).toString();
  return { verb: route.verb, path: query ? `${path}?${query}` : path, ...(body === undefined ? {} : { body }) };
}

/** The token is a variable of the shell, never the token itself. */
export function curlLine(method: DescMethod, message: JsonObject, origin: string): string | undefined {
  const request = restRequest(method, message);
  if (!request) return undefined;
  const parts = ["curl", "-s"];
  if (request.verb !== "GET" && !(request.verb === "POST" && request.body !== undefined))
    parts.push("-X", request.verb);
  parts.push(`-H "authorization: Bearer $TOKEN"`);
  if (request.body !== undefined) parts.push("-d", shellQuoted(JSON.stringify(request.body)));
  parts.push(shellQuoted(origin + request.path));
  return parts.join(" ");
}

export function grpcurlLine(method: DescMethod, message: JsonObject, origin: string): string {
  const url = new URL(origin);
  const host = url.port ? url.host : `${url.hostname}:${url.protocol === "https:" ? "443" : "80"}`;
  const plain = url.protocol === "https:" ? "" : " -plaintext";
  const name = `${method.parent.typeName}/${method.name}`;
  return `grpcurl${plain} -H "authorization: Bearer $TOKEN" -d ${shellQuoted(JSON.stringify(message))} ${host} ${name}`;
}

// Update masks (AIP-161) of forms: which fields a person has changed. Pure.
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";

function same(a: JsonValue | undefined, b: JsonValue | undefined): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/**
 * The request of an Update method with the mask of what differs from `before`: a field that was taken away is in it, and so
 * set to nothing. `resource` is the request's field that has the resource, `keys` are those of its fields that name it.
 */
export function withUpdateMask(
  json: JsonObject,
  resource: string,
  before: JsonObject,
  keys: readonly string[],
): JsonObject {
  const after = (json[resource] ?? {}) as JsonObject;
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  const changed = [...names].filter((name) => !keys.includes(name) && !same(before[name], after[name])).sort();
  const named = Object.fromEntries(keys.map((key) => [key, before[key] ?? null]));
  return { ...json, [resource]: { ...after, ...named }, updateMask: changed.join(",") };
}

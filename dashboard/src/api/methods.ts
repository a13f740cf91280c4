// Facts about methods, read from the options of the contract: who may call them, and their REST form.
import { getOption, hasOption, type DescField, type DescMethod } from "@bufbuild/protobuf";

import { access, type Permission, type Access } from "../stubs/csms/options/v1/options_pb";
import { http } from "../stubs/google/api/annotations_pb";
import { field_behavior, FieldBehavior } from "../stubs/google/api/field_behavior_pb";

export interface RestRoute {
  verb: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** `/v1/stations/{station_id}:reset` */
  path: string;
  /** `*`, the name of a field, or empty for none. */
  body: string;
}

/** The permission that a method needs; undefined where it serves everyone. */
export function permissionOf(method: DescMethod): Permission | undefined {
  const rule: Access["rule"] = getOption(method, access).rule;
  return rule.case === "permission" ? rule.value : undefined;
}

export function restRouteOf(method: DescMethod): RestRoute | undefined {
  if (!hasOption(method, http)) return undefined;
  const { pattern, body } = getOption(method, http);
  if (pattern.case === undefined || pattern.case === "custom") return undefined;
  return { verb: pattern.case.toUpperCase() as RestRoute["verb"], path: pattern.value, body };
}

export function isRequired(field: DescField): boolean {
  return hasOption(field, field_behavior) && getOption(field, field_behavior).includes(FieldBehavior.REQUIRED);
}

export function isOutputOnly(field: DescField): boolean {
  return hasOption(field, field_behavior) && getOption(field, field_behavior).includes(FieldBehavior.OUTPUT_ONLY);
}

export function isDeprecated(field: DescField): boolean {
  return field.proto.options?.deprecated ?? false;
}

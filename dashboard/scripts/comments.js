// The comments of the contract that people read: those of what forms show, by their full names. A command, a form's
// fields and the values of its enumerations have them; see src/forms/.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createFileRegistry, fromBinary, getOption, hasOption } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";

// Numbers of the fields of FileDescriptorProto and of what it holds: a location's path is made of them.
const [MESSAGE, ENUM, SERVICE] = [4, 5, 6];
const [FIELD, NESTED, NESTED_ENUM] = [2, 3, 4];
const METHOD = 2;
const VALUE = 2;
// csms.options.v1.Audience and google.api.FieldBehavior.
const AUDIENCE_OPERATORS = 1;
const OUTPUT_ONLY = 3;

function nameOf(file, path) {
  const [kind, index, ...rest] = path;
  if (kind === MESSAGE)
    return nameInMessage(`${file.package}.${file.messageType[index].name}`, file.messageType[index], rest);
  if (kind === ENUM) return nameInEnum(`${file.package}.${file.enumType[index].name}`, file.enumType[index], rest);
  if (kind !== SERVICE) return undefined;
  const name = `${file.package}.${file.service[index].name}`;
  if (rest.length === 0) return name;
  return rest.length === 2 && rest[0] === METHOD ? `${name}.${file.service[index].method[rest[1]].name}` : undefined;
}

function nameInMessage(name, message, path) {
  if (path.length === 0) return name;
  const [kind, index, ...rest] = path;
  if (kind === FIELD && rest.length === 0) return `${name}.${message.field[index].name}`;
  if (kind === NESTED)
    return nameInMessage(`${name}.${message.nestedType[index].name}`, message.nestedType[index], rest);
  if (kind === NESTED_ENUM) return nameInEnum(`${name}.${message.enumType[index].name}`, message.enumType[index], rest);
  return undefined;
}

function nameInEnum(name, desc, path) {
  if (path.length === 0) return name;
  return path.length === 2 && path[0] === VALUE ? `${name}.${desc.value[path[1]].name}` : undefined;
}

/** The first sentences of a comment, on one line: errors are for programs, and directives for tools. */
export function textOf(comment) {
  const lines = comment.split("\n").map((line) => line.trim());
  const text = lines.filter((line) => !line.startsWith("buf:lint:")).join(" ");
  return text
    .split(/(?:^|(?<=\s))(?:Further errors|Errors?(?: beside[^:]*)?): /)[0]
    .replaceAll(/\s+/g, " ")
    .replace(/(?<=\. )INVALID_FIELD beside [^.]*\.(?: |$)/, "")
    .trim();
}

/** The names of all that forms show; those of values with their word of OCPP, which a form has beside them. */
function shown(registry) {
  const audience = registry.getExtension("csms.options.v1.audience");
  const behavior = registry.getExtension("google.api.field_behavior");
  const word = registry.getExtension("csms.options.v1.ocpp_word");
  const names = new Map();
  const seen = new Set();
  const readValues = (desc) => {
    for (const value of desc.values) {
      if (value.number !== 0) names.set(`${desc.typeName}.${value.name}`, getOption(value, word));
    }
  };
  const isShown = (field) =>
    field.proto.options?.deprecated !== true &&
    !(hasOption(field, behavior) && getOption(field, behavior).includes(OUTPUT_ONLY));
  const readFields = (desc) => {
    if (seen.has(desc.typeName) || desc.typeName.startsWith("google.")) return;
    seen.add(desc.typeName);
    for (const field of desc.fields.filter(isShown)) {
      names.set(`${desc.typeName}.${field.name}`, "");
      if (field.enum) readValues(field.enum);
      if (field.message) readFields(field.message);
    }
  };
  for (const file of registry.files) {
    for (const service of file.services.filter((one) => getOption(one, audience) === AUDIENCE_OPERATORS)) {
      // A standard List method (AIP-132) is a list, and one that streams has no form.
      for (const method of service.methods.filter((one) => one.methodKind === "unary" && !/^List/.test(one.name))) {
        names.set(`${service.typeName}.${method.name}`, "");
        readFields(method.input);
      }
    }
  }
  return names;
}

/** The comments as `{ name, file, text }`, in the order of the contract; `file` is as in `csms/station/v1/site.proto`. */
export function readComments(python, includes, protos) {
  const folder = mkdtempSync(join(tmpdir(), "comments-"));
  const path = join(folder, "set.binpb");
  execFileSync(
    python,
    [
      "-m",
      "grpc_tools.protoc",
      ...includes,
      "--include_imports",
      "--include_source_info",
      `--descriptor_set_out=${path}`,
      ...protos,
    ],
    { stdio: "inherit" },
  );
  const set = fromBinary(FileDescriptorSetSchema, readFileSync(path));
  rmSync(folder, { recursive: true });
  const names = shown(createFileRegistry(set));
  const comments = [];
  for (const file of set.file.toSorted((one, other) => (one.name < other.name ? -1 : 1))) {
    for (const location of file.sourceCodeInfo?.location ?? []) {
      const name = location.leadingComments && nameOf(file, location.path);
      if (!names.has(name)) continue;
      const text = textOf(location.leadingComments);
      if (text && text !== `${names.get(name)}.`) comments.push({ name, file: file.name, text });
    }
  }
  return comments;
}

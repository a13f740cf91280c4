// The comments of the contract, by the full names of what they are on: help texts of forms, loaded when one is shown.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";

// Numbers of the fields of FileDescriptorProto and of what it holds: a location's path is made of them.
const [MESSAGE, ENUM, SERVICE] = [4, 5, 6];
const [FIELD, NESTED, NESTED_ENUM] = [2, 3, 4];
const METHOD = 2;
const VALUE = 2;

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

function textOf(comment) {
  const lines = comment.split("\n").map((line) => line.replace(/^ /, ""));
  // Lines of a paragraph are joined; those that begin with a blank, as lists of errors do, stay.
  return lines
    .join("\n")
    .replaceAll(/(?<=\S)\n(?=\S)/g, " ")
    .trim();
}

/** Writes the comments of our own protos to `target`. */
export function writeComments(python, includes, protos, target) {
  const folder = mkdtempSync(join(tmpdir(), "comments-"));
  const set = join(folder, "set.binpb");
  execFileSync(
    python,
    ["-m", "grpc_tools.protoc", ...includes, "--include_source_info", `--descriptor_set_out=${set}`, ...protos],
    { stdio: "inherit" },
  );
  const comments = {};
  for (const file of fromBinary(FileDescriptorSetSchema, readFileSync(set)).file) {
    for (const location of file.sourceCodeInfo?.location ?? []) {
      const name = location.leadingComments && nameOf(file, location.path);
      if (name) comments[name] = textOf(location.leadingComments);
    }
  }
  rmSync(folder, { recursive: true });
  writeFileSync(target, JSON.stringify(comments, Object.keys(comments).sort(), 1));
}

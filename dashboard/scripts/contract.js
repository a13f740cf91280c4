// Where the contract is, for the scripts that read it.
import { readdirSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

import { readComments } from "./comments.js";

export const dashboard = dirname(dirname(fileURLToPath(import.meta.url)));
const root = dirname(dashboard);
const googleapis = join(root, "third_party", "googleapis");

export const python = join(root, ".venv", "bin", "python");
export const includes = [`-I${join(root, "proto")}`, `-I${googleapis}`];

function protos(folder, base) {
  return readdirSync(join(base, folder), { recursive: true })
    .filter((name) => name.endsWith(".proto"))
    .map((name) => relative(base, join(base, folder, name)))
    .sort();
}

export const ours = protos("csms", join(root, "proto"));
export const theirs = protos("google", googleapis);

/** The comments of our own protos that forms show. */
export function contractComments() {
  return readComments(python, includes, ours);
}

/** Writes them to a file, by their names. */
export function writeComments(target) {
  const byName = contractComments().map(({ name, text }) => [name, text]);
  byName.sort(([one], [other]) => (one < other ? -1 : 1));
  writeFileSync(target, JSON.stringify(Object.fromEntries(byName), null, 1));
}

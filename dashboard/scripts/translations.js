// The German texts for the comments of the contract, src/i18n/comments/de/: one PO file for each proto, with the English
// text that each entry translates. `npm run translations` brings their entries in line with the contract, and names what
// is to be translated; with `--check` it changes nothing, and fails where there is something to do.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { contractComments, dashboard } from "./contract.js";
import { readPo, writePo } from "./po.js";

const LANGUAGE = "de";
export const folder = join(dashboard, "src", "i18n", "comments", LANGUAGE);

/** `csms/station/v1/site.proto` is translated in `csms/station/v1/site.po`. */
function fileOf(comment) {
  return comment.file.replace(/\.proto$/, ".po");
}

/** All entries of the catalogue, each with its file. */
export function readCatalogue() {
  if (!existsSync(folder)) return [];
  const files = readdirSync(folder, { recursive: true }).filter((name) => name.endsWith(".po"));
  return files
    .sort()
    .flatMap((file) => readPo(readFileSync(join(folder, file), "utf8")).map((entry) => ({ ...entry, file })));
}

/** The differences between the catalogue and the comments, as sentences that name the entry; empty for none. */
export function differences(comments, entries) {
  const byName = new Map(entries.map((entry) => [entry.name, entry]));
  const known = new Set(comments.map(({ name }) => name));
  const twice = entries.filter((entry) => byName.get(entry.name) !== entry);
  return [
    ...comments.flatMap((comment) => {
      const entry = byName.get(comment.name);
      if (!entry) return [`${comment.name} is new`];
      if (entry.original !== comment.text) return [`${comment.name} has another comment now`];
      if (entry.file !== fileOf(comment)) return [`${comment.name} is in another proto now`];
      return entry.fuzzy || !entry.text ? [`${comment.name} is to be translated, in ${fileOf(comment)}`] : [];
    }),
    ...entries.filter(({ name }) => !known.has(name)).map(({ name }) => `${name} is gone`),
    ...twice.map(({ name }) => `${name} has two entries`),
  ];
}

/** The entry for a comment; `ready` has the texts of all originals that have one. */
function entryFor({ name, text: original }, entry, ready) {
  if (entry?.original === original && entry.text) return entry;
  const equal = ready.get(original);
  if (equal !== undefined) return { name, original, text: equal };
  if (!entry?.text) return { name, original, text: "" };
  return { name, original, text: entry.text, fuzzy: true, former: entry.former ?? entry.original };
}

/**
 * The entries that the comments need, by their files. A text stays while its original does; one whose original has
 * changed is marked as fuzzy, beside the former original. A new comment takes the text of an equal one elsewhere.
 */
export function updated(comments, entries) {
  const byName = new Map(entries.map((entry) => [entry.name, entry]));
  const ready = new Map(entries.filter(({ text, fuzzy }) => text && !fuzzy).map((one) => [one.original, one.text]));
  const files = new Map();
  for (const comment of comments) {
    const file = fileOf(comment);
    files.set(file, [...(files.get(file) ?? []), entryFor(comment, byName.get(comment.name), ready)]);
  }
  return files;
}

function update() {
  const files = updated(contractComments(), readCatalogue());
  rmSync(folder, { recursive: true, force: true });
  for (const [file, entries] of files) {
    mkdirSync(join(folder, dirname(file)), { recursive: true });
    writeFileSync(join(folder, file), writePo(LANGUAGE, entries));
  }
}

function main() {
  const isCheck = process.argv.includes("--check");
  if (!isCheck) update();
  const found = differences(contractComments(), readCatalogue());
  if (found.length === 0) return;
  console.error(`${found.join("\n")}\n`);
  console.error(
    isCheck
      ? `The German catalogue of the contract is not in line with its comments: run "npm run translations" in dashboard/, and translate the entries that it names.`
      : `Translate these in dashboard/src/i18n/comments/${LANGUAGE}/: fill in msgstr, and remove the line "#, fuzzy".`,
  );
  process.exitCode = isCheck ? 1 : 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main();

// Files of GNU gettext (PO), in which translators' tools and plain editors show a text beside its original. Of the
// format there is what we write: one context, one original and one text each, and the mark `fuzzy` on a text whose
// original has changed since. https://www.gnu.org/software/gettext/manual/html_node/PO-Files.html

const KEYWORDS = { msgctxt: "name", msgid: "original", msgstr: "text" };

/**
 * The entries of a file, `{ name, original, text, fuzzy, former }`: `former` is the original that a fuzzy text is of.
 * Throws an Error with the line that is not of the format.
 */
export function readPo(content) {
  const entries = [];
  let entry;
  let key;
  let marks = {};
  for (const [index, line] of content.split("\n").entries()) {
    if (line.startsWith("#,") && line.includes("fuzzy")) marks.fuzzy = true;
    if (line.startsWith("#| msgid ")) marks.former = JSON.parse(line.slice("#| msgid ".length));
    if (line.trim() === "" || line.startsWith("#")) continue;
    const [, keyword, quoted] = /^(?:(\w+) )?(".*")$/.exec(line) ?? [];
    if (quoted === undefined || (keyword ? !(keyword in KEYWORDS) : !entry)) {
      throw new Error(`line ${String(index + 1)} is none of a PO file: ${line}`);
    }
    key = keyword ? KEYWORDS[keyword] : key;
    // The header is an entry without a context.
    if (keyword === "msgctxt" || (keyword === "msgid" && key === "original" && (!entry || entry.text !== undefined))) {
      entry = marks;
      marks = {};
      entries.push(entry);
    }
    entry[key] = (entry[key] ?? "") + JSON.parse(quoted);
  }
  return entries.filter(({ name }) => name !== undefined);
}

/** The content of a file with these entries. */
export function writePo(language, entries) {
  const header = [
    'msgid ""',
    'msgstr ""',
    `"Language: ${language}\\n"`,
    '"Content-Type: text/plain; charset=UTF-8\\n"',
  ];
  const blocks = entries.map(({ name, original, text, fuzzy, former }) => [
    ...(fuzzy ? ["#, fuzzy"] : []),
    ...(former === undefined ? [] : [`#| msgid ${JSON.stringify(former)}`]),
    `msgctxt ${JSON.stringify(name)}`,
    `msgid ${JSON.stringify(original)}`,
    `msgstr ${JSON.stringify(text)}`,
  ]);
  return `${[header, ...blocks].map((lines) => lines.join("\n")).join("\n\n")}\n`;
}

/** The texts by their names; the original where there is none of it as it is now. */
export function textsOf(content) {
  return Object.fromEntries(
    readPo(content).map(({ name, original, text, fuzzy }) => [name, fuzzy || !text ? original : text]),
  );
}

/** Vite's plugin: `import texts from "./site.po"` gives the texts by their names, without the originals. */
export function po() {
  return {
    name: "po",
    transform: (code, id) =>
      id.endsWith(".po") ? { code: `export default ${JSON.stringify(textsOf(code))}`, map: null } : undefined,
  };
}

import { describe, expect, test } from "vitest";

import { contractComments } from "./contract.js";
import { readPo, textsOf, writePo } from "./po.js";
import { differences, readCatalogue, updated } from "./translations.js";

const FILE = "csms/station/v1/site";
const comment = (name, text) => ({ name, text, file: `${FILE}.proto` });
const entry = (name, original, text) => ({ name, original, text, file: `${FILE}.po` });

test("each comment of the contract that a form shows is translated, and no other one", () => {
  const comments = contractComments();
  expect(comments.length).toBeGreaterThan(1000);
  expect(differences(comments, readCatalogue()), 'run "npm run translations" in dashboard/').toEqual([]);
});

describe("the difference names", () => {
  const comments = [comment("a.B.c", "One."), comment("a.B.d", "Two.")];
  const catalogue = [entry("a.B.c", "One.", "Eins."), entry("a.B.d", "Two.", "Zwei.")];
  test.each([
    ["nothing where both agree", comments, catalogue, []],
    ["a new comment", comments, catalogue.slice(0, 1), ["a.B.d is new"]],
    ["a changed comment", [comments[0], comment("a.B.d", "2.")], catalogue, ["a.B.d has another comment now"]],
    ["a comment that is gone", comments.slice(0, 1), catalogue, ["a.B.d is gone"]],
    [
      "an entry without a text",
      comments,
      [catalogue[0], entry("a.B.d", "Two.", "")],
      [`a.B.d is to be translated, in ${FILE}.po`],
    ],
    [
      "a text of a former comment",
      comments,
      [catalogue[0], { ...catalogue[1], fuzzy: true }],
      [`a.B.d is to be translated, in ${FILE}.po`],
    ],
    [
      "an entry in another file",
      comments,
      [catalogue[0], { ...catalogue[1], file: "a.po" }],
      ["a.B.d is in another proto now"],
    ],
    ["a second entry", comments, [...catalogue, { ...catalogue[1] }], ["a.B.d has two entries"]],
  ])("%s", (_, wanted, entries, found) => {
    expect(differences(wanted, entries)).toEqual(found);
  });
});

describe("an update", () => {
  const update = (comments, entries) => updated(comments, entries).get(`${FILE}.po`);

  test("keeps texts of comments that stay, in the order of the contract, and drops those that are gone", () => {
    const [one, two, gone] = [
      entry("a.B.c", "One.", "Eins."),
      entry("a.B.d", "Two.", "Zwei."),
      entry("a.B.e", "3.", "3."),
    ];
    expect(update([comment("a.B.d", "Two."), comment("a.B.c", "One.")], [one, two, gone])).toEqual([two, one]);
  });

  test("marks the text of a changed comment, beside the former one, until it is translated anew", () => {
    const changed = update([comment("a.B.c", "Uno.")], [entry("a.B.c", "One.", "Eins.")]);
    expect(changed).toEqual([{ name: "a.B.c", original: "Uno.", text: "Eins.", fuzzy: true, former: "One." }]);
    const again = update([comment("a.B.c", "Un.")], changed);
    expect(again).toEqual([{ name: "a.B.c", original: "Un.", text: "Eins.", fuzzy: true, former: "One." }]);
  });

  test("gives a new comment the text of an equal one, and otherwise none", () => {
    const entries = update(
      [comment("a.B.c", "One."), comment("a.B.d", "One."), comment("a.B.e", "Two.")],
      [entry("a.B.c", "One.", "Eins.")],
    );
    expect(entries.map(({ text }) => text)).toEqual(["Eins.", "Eins.", ""]);
  });
});

describe("a PO file", () => {
  const entries = [
    { name: "a.B.c", original: 'One, "1".', text: "Eins, „1“." },
    { name: "a.B.d", original: "Two.", text: "Zwei?", fuzzy: true, former: "2." },
    { name: "a.B.e", original: "Three.", text: "" },
  ];

  test("is read as it was written", () => {
    expect(readPo(writePo("de", entries))).toEqual(entries);
  });

  test("may have its texts on several lines, and remarks of translators", () => {
    const content = [
      "# Eins oder 1?",
      'msgctxt "a.B.c"',
      'msgid ""',
      '"One,"',
      '" two."',
      'msgstr "Eins,"',
      '" zwei."',
      "",
    ];
    expect(readPo(content.join("\n"))).toEqual([{ name: "a.B.c", original: "One, two.", text: "Eins, zwei." }]);
  });

  test("that is none is refused with its line", () => {
    expect(() => readPo('msgctxt "a"\nmsgid One\n')).toThrow("line 2 ");
    expect(() => readPo('msgid_plural "Ones"\n')).toThrow("line 1 ");
  });

  test("shows the original where there is no text for it", () => {
    expect(textsOf(writePo("de", entries))).toEqual({ "a.B.c": "Eins, „1“.", "a.B.d": "Two.", "a.B.e": "Three." });
  });
});

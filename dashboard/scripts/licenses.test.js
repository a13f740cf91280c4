import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";

import { chosenOf, packageAt } from "./licenses.js";

let folder;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "licenses-"));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

function packaged(license, files = {}) {
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "pack", version: "1.0.0", license }));
  mkdirSync(join(folder, "src"));
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(folder, name), text);
  }
  return Object.keys(files).map((name) => join(folder, name));
}

test("the text of a licence and the notice beside it come along", () => {
  const modules = packaged("MIT", { LICENSE: "MIT text\r\nsecond line\n", NOTICE: "notice", "index.js": "" });
  const expected = { name: "pack", version: "1.0.0", license: "MIT", text: "MIT text\nsecond line\n\nnotice" };
  expect(packageAt(folder, modules)).toEqual(expected);
});

test("without such a file the notices of the modules come along, each once", () => {
  const notice = "// Copyright 2020 A\n//\n// Redistribution is permitted.\n";
  const modules = packaged("BSD-3-Clause", {
    "a.js": `${notice}code();`,
    "b.js": `${notice}more();`,
    "c.js": "// other\n",
  });
  expect(packageAt(folder, modules).text).toBe("Copyright 2020 A\n\nRedistribution is permitted.");
});

test("a licence whose text is missing is refused, unless it asks for none", () => {
  const modules = packaged("MIT", { "a.js": "code();" });
  expect(() => packageAt(folder, modules)).toThrow(/pack is under MIT, whose text has to come along/);
});

test("a licence that is not allowed is refused", () => {
  packaged("GPL-3.0-only", { LICENSE: "text" });
  expect(() => packageAt(folder, [])).toThrow(/pack is under GPL-3.0-only/);
});

test("of alternatives one that is allowed is chosen, and all of a conjunction hold", () => {
  expect(chosenOf("(GPL-2.0-only OR MIT)")).toEqual(["MIT"]);
  expect(chosenOf("(Apache-2.0 AND BSD-3-Clause)")).toEqual(["Apache-2.0", "BSD-3-Clause"]);
  expect(chosenOf("MIT AND GPL-2.0-only")).toEqual(["MIT AND GPL-2.0-only"]);
});

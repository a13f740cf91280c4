import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

import { styleHashes } from "./injected_styles.js";

const hash = (text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

test("the style of React Aria's buttons is read with its constant in place", () => {
  const file = new URL("../node_modules/react-aria/dist/private/interactions/usePress.mjs", import.meta.url);
  const text = "@layer {\n  [data-react-aria-pressable] {\n    touch-action: pan-x pan-y pinch-zoom;\n  }\n}";
  expect(styleHashes(readFileSync(file, "utf8"), "usePress.mjs")).toEqual([hash(text)]);
});

test("a module without a style has no hashes", () => {
  expect(styleHashes('document.createElement("div").textContent = `a`;', "a.js")).toEqual([]);
});

test("each style of a module is read", () => {
  const code =
    "const s = d.createElement('style'); s.textContent = `a{}`; t = d.createElement(\"style\"); t.innerHTML = ` b{} `;";
  expect(styleHashes(code, "a.js")).toEqual([hash("a{}"), hash(" b{} ")]);
});

test("a style whose text cannot be read fails the build", () => {
  expect(() => styleHashes('s = document.createElement("style"); s.textContent = css;', "a.js")).toThrow(
    /a\.js creates 1/,
  );
  expect(() => styleHashes("s = createElement('style'); s.textContent = `${size}`;", "a.js")).toThrow(
    /depends on size/,
  );
});

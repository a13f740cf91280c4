import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

import { isLeftOut } from "./locales.js";

const TEXTS = join(process.cwd(), "node_modules", "react-aria", "dist", "private", "intl", "overlays");

test("of React Aria's texts the English and the German ones stay", () => {
  const files = readdirSync(TEXTS).filter((name) => name.endsWith(".mjs"));
  const kept = files.filter((name) => !isLeftOut(join(TEXTS, name)));
  expect(kept.sort()).toEqual(["de-DE.mjs", "en-US.mjs"]);
  expect(files.length).toBeGreaterThan(30);
});

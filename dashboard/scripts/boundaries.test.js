import { RuleTester } from "eslint";
import { join } from "node:path";
import { describe, it } from "vitest";

import boundaries from "./boundaries.js";

RuleTester.describe = describe;
RuleTester.it = it;

const at = (path) => join(process.cwd(), "src", path);
const error = (message) => [{ message }];
const BY_NAME = error("nothing imports a capability by name: the shell finds it by its file capability.ts");

new RuleTester().run("boundaries", boundaries, {
  valid: [
    { filename: at("capabilities/stations/list/page.tsx"), code: 'import "../rows";' },
    { filename: at("capabilities/stations/page.tsx"), code: 'import { Button } from "../../ui/button";' },
    { filename: at("capabilities/stations/capability.ts"), code: 'import("../../shell/capability");' },
    { filename: at("shell/routes.ts"), code: 'import.meta.glob("../capabilities/*/capability.ts"); import "wouter";' },
  ],
  invalid: [
    {
      filename: at("capabilities/stations/page.tsx"),
      code: 'import { row } from "../sessions/rows";',
      errors: error(
        "the capability stations imports nothing of the capability sessions: move what both need into a folder below",
      ),
    },
    {
      filename: at("capabilities/stations/list/page.tsx"),
      code: 'export * from "../../sessions/rows";',
      errors: error(
        "the capability stations imports nothing of the capability sessions: move what both need into a folder below",
      ),
    },
    { filename: at("shell/routes.ts"), code: 'import("../capabilities/stations/page");', errors: BY_NAME },
    { filename: at("main.tsx"), code: 'export { x } from "./capabilities/stations/page";', errors: BY_NAME },
    {
      filename: at("ui/button.tsx"),
      code: 'import "../shell/theme";',
      errors: error("ui/ is below shell/ and imports nothing of it"),
    },
  ],
});

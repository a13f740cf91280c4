import jsxA11y from "eslint-plugin-jsx-a11y";
import reactHooks from "eslint-plugin-react-hooks";
import tseslint from "typescript-eslint";

import boundaries from "./scripts/boundaries.js";

const SOURCES = ["src/**/*.{ts,tsx}"];

export default tseslint.config(
  { ignores: ["pages", "src/stubs", "node_modules"] },
  ...tseslint.configs.strictTypeChecked.map((config) => ({ ...config, files: SOURCES })),
  {
    files: SOURCES,
    ...jsxA11y.flatConfigs.strict,
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
  },
  { files: SOURCES, ...reactHooks.configs.flat.recommended },
  { files: SOURCES, plugins: { dashboard: { rules: { boundaries } } }, rules: { "dashboard/boundaries": "error" } },
);

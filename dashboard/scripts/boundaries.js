// ESLint's rule for the folders of src/: which imports which. A capability is found by the shell and never named, so that
// one can be added or removed with its folder.
import { dirname, join, relative, sep } from "node:path";

const CAPABILITIES = "capabilities";
// Folders that capabilities and the shell are built on: they import neither.
const BELOW = new Set(["api", "charts", "formats", "forms", "i18n", "live", "resources", "tables", "ui"]);

/** The reason why `file` may not import `target`, both as parts of their paths below src/; undefined where it may. */
export function refusal(file, target) {
  const [folder, name] = target;
  if (folder === CAPABILITIES) {
    if (file[0] !== CAPABILITIES) {
      return "nothing imports a capability by name: the shell finds it by its file capability.ts";
    }
    if (file[1] !== name) {
      return `the capability ${file[1]} imports nothing of the capability ${name}: move what both need into a folder below`;
    }
  }
  if (folder === "shell" && BELOW.has(file[0])) {
    return `${file[0]}/ is below shell/ and imports nothing of it`;
  }
  return undefined;
}

export default {
  meta: { type: "problem", docs: { description: "Folders of src/ import in one direction" }, schema: [] },
  create(context) {
    const src = join(context.cwd, "src");
    const file = relative(src, context.filename).split(sep);
    const check = (source) => {
      if (source?.type !== "Literal" || typeof source.value !== "string" || !source.value.startsWith(".")) {
        return;
      }
      const target = relative(src, join(dirname(context.filename), source.value)).split(sep);
      const message = refusal(file, target);
      if (message) {
        context.report({ node: source, message });
      }
    };
    return {
      ImportDeclaration: (node) => check(node.source),
      ExportNamedDeclaration: (node) => check(node.source),
      ExportAllDeclaration: (node) => check(node.source),
      ImportExpression: (node) => check(node.source),
    };
  },
};

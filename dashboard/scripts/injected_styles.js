// Some libraries put a <style> of their own into the page at run time. The Content-Security-Policy has no 'unsafe-inline',
// so each is admitted by the hash of its text. This plugin finds them in the modules of the bundle and writes their hashes
// into csp.json, which deploy/pages.py reads. A style whose text it cannot read fails the build, and not the page later.
import { createHash } from "node:crypto";

const CREATED = /createElement\(\s*(['"`])style\1/g;
const TEXT = /\.(?:textContent|innerHTML)\s*=\s*`([^`]*)`(\.trim\(\))?/g;
// Its styles are those of the application's own JSX, and there are none.
const OF_THE_APPLICATION = "/node_modules/react-dom/";
const CONSTANT = /\$\{([\w$]+)\}/g;

/** The hashes of the styles that a module creates, as the policy has them. Throws where one cannot be read. */
export function styleHashes(code, id) {
  const created = [...code.matchAll(CREATED)].length;
  if (created === 0) {
    return [];
  }
  const texts = [...code.matchAll(TEXT)].map(([, template, trim]) => {
    const text = template.replace(CONSTANT, (_, name) => constant(code, name, id));
    if (text.includes("${")) {
      throw new Error(`${id}: a <style> depends on an expression: see scripts/injected_styles.js`);
    }
    return trim ? text.trim() : text;
  });
  if (texts.length !== created) {
    throw new Error(
      `${id} creates ${created} <style> but ${texts.length} of their texts can be read: see scripts/injected_styles.js`,
    );
  }
  return texts.map((text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`);
}

function constant(code, name, id) {
  const escaped = name.replaceAll("$", "\\$");
  const found = code.match(new RegExp(`(?:const|let|var)\\s+${escaped}\\s*=\\s*(['"])([^'"\\\\]*)\\1\\s*;`));
  if (!found) {
    throw new Error(`${id}: a <style> depends on ${name}, which is not a constant: see scripts/injected_styles.js`);
  }
  return found[2];
}

export function injectedStyles() {
  const found = new Map();
  return {
    name: "injected-styles",
    apply: "build",
    enforce: "pre",
    transform(code, id) {
      const foreign = id.includes("/node_modules/") && !id.includes(OF_THE_APPLICATION);
      const hashes = foreign && /\.[cm]?js$/.test(id) ? styleHashes(code, id) : [];
      if (hashes.length > 0) {
        found.set(id, hashes);
      }
    },
    generateBundle(_, bundle) {
      const bundled = new Set(Object.values(bundle).flatMap((file) => (file.type === "chunk" ? file.moduleIds : [])));
      const hashes = [...found].filter(([id]) => bundled.has(id)).flatMap(([, each]) => each);
      const source = `${JSON.stringify({ "style-src": [...new Set(hashes)].sort() }, null, 2)}\n`;
      this.emitFile({ type: "asset", fileName: "csp.json", source });
    },
  };
}

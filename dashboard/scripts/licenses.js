// The licences of everything that is in the bundle. The build writes their texts into pages/licenses.txt, which is served
// beside the assets, and a table of them into LICENSES.md. A licence that is not in ALLOWED fails the build.
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

const ALLOWED = new Set(["0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "Unlicense"]);
// These oblige nobody to pass their text on, or have the text that stands in our own LICENSE.
const WITHOUT_TEXT = new Set(["0BSD", "Apache-2.0", "Unlicense"]);
const RULE = "=".repeat(80);

/** Gathers modules of the application and of its workers, which are bundles of their own. */
export function licenses(dashboard) {
  const modules = new Set();
  const gather = (bundle) => {
    for (const file of Object.values(bundle)) {
      for (const id of file.type === "chunk" ? file.moduleIds : []) {
        modules.add(id);
      }
    }
  };
  return {
    ofWorkers: () => ({ name: "licenses-of-workers", generateBundle: (_, bundle) => gather(bundle) }),
    ofPages: () => ({
      name: "licenses",
      apply: "build",
      generateBundle(_, bundle) {
        gather(bundle);
        const packages = packagesOf(modules, dashboard);
        this.emitFile({ type: "asset", fileName: "licenses.txt", source: texts(packages, dashboard) });
        writeFileSync(join(dashboard, "LICENSES.md"), table(packages));
      },
    }),
  };
}

function packagesOf(modules, dashboard) {
  const byFolder = new Map();
  for (const id of modules) {
    const folder = folderOf(id, dashboard);
    if (folder) {
      byFolder.set(folder, [...(byFolder.get(folder) ?? []), id]);
    }
  }
  const packages = [...byFolder].map(([folder, ids]) => (folder === GOOGLEAPIS ? GOOGLEAPIS : packageAt(folder, ids)));
  return packages.sort((a, b) => (a.name < b.name ? -1 : Number(a.name > b.name)));
}

// Stubs of the contracts that third_party/ has copies of.
const GOOGLEAPIS = { name: "googleapis", version: "as in third_party/", license: "Apache-2.0", text: "" };

/** The folder of the package that a module is from; undefined for our own. */
function folderOf(id, dashboard) {
  const path = id.replace(/^\0/, "").replace(/\?.*$/, "");
  // Code that the tools of the build add.
  const tool = /^(vite|rolldown)\//.exec(path);
  if (tool) {
    return join(dashboard, "node_modules", tool[1]);
  }
  if (path.includes("/src/stubs/google/")) {
    return GOOGLEAPIS;
  }
  return path.includes("/node_modules/") ? packageFolder(dirname(path)) : undefined;
}

/** The nearest folder above whose package.json names a package: some packages have others without a name inside. */
function packageFolder(folder) {
  const file = join(folder, "package.json");
  if (existsSync(file)) {
    const { name, version } = JSON.parse(readFileSync(file, "utf8"));
    if (name && version) {
      return folder;
    }
  }
  return packageFolder(dirname(folder));
}

/** Name, version, licence and the licence's text of the package in a folder. Throws where it may not be distributed. */
export function packageAt(folder, modules) {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const chosen = chosenOf(license ?? "none stated");
  const refused = chosen.filter((each) => !ALLOWED.has(each));
  if (refused.length > 0) {
    throw new Error(`${name} is under ${refused.join(" and ")}, which scripts/licenses.js does not allow`);
  }
  const files = readdirSync(folder).filter((each) => /^(licen[cs]e|copying|notice)(\.|$)/i.test(each));
  // prettier-ignore
  const text =
    files.length > 0 ? files.sort().map((file) => ownPart(read(join(folder, file)))).join("\n\n") : notices(modules);
  if (!text && !chosen.every((each) => WITHOUT_TEXT.has(each))) {
    throw new Error(`${name} is under ${chosen.join(" and ")}, whose text has to come along, and it has no such file`);
  }
  return { name, version, license: chosen.join(" AND "), text };
}

/** The licences of an SPDX expression that all hold; of alternatives the first that is allowed. */
export function chosenOf(expression) {
  const plain = expression.replace(/^\((.*)\)$/, "$1");
  const alternatives = plain.split(" OR ").map((each) => each.split(" AND "));
  return alternatives.find((all) => all.every((each) => ALLOWED.has(each))) ?? [plain];
}

/** Copyright notices at the beginnings of modules, each once. */
function notices(modules) {
  const found = modules.filter((id) => existsSync(id)).map((id) => /^(?:\/\/.*\n)+|^\/\*[^]*?\*\//.exec(read(id))?.[0]);
  const plain = found
    .filter((each) => /copyright/i.test(each ?? ""))
    .map((each) => each.replace(/^(\/\/|\/\*\*?| \*\/?) ?/gm, ""));
  return [...new Set(plain.map((each) => each.trim()))].sort().join("\n\n");
}

/** Without the licences of what a tool of the build has inside itself and does not put into the bundle. */
function ownPart(text) {
  return text.split("\n# Licenses of bundled dependencies")[0].trim();
}

function read(file) {
  return readFileSync(file, "utf8").replaceAll("\r\n", "\n").trim();
}

function table(packages) {
  const rows = packages.map(({ name, version, license }) => `| ${name} | ${version} | ${license} |`);
  return [
    "# Licences of the dashboard's bundle",
    "",
    "Packages whose code is in `pages/`. `make pages` writes this list, and the texts of the licences into",
    "`pages/licenses.txt`, which the front door serves as `/licenses.txt`. The dashboard itself is under Apache-2.0.",
    "",
    "| package | version | licence |",
    "| --- | --- | --- |",
    ...rows,
    "",
  ].join("\n");
}

/** The texts, each once, with the packages that it is the text of. */
function texts(packages, dashboard) {
  const byText = new Map();
  for (const each of packages) {
    byText.set(each.text, [...(byText.get(each.text) ?? []), `${each.name} ${each.version} (${each.license})`]);
  }
  const part = (titles, text) =>
    [RULE, ...titles, RULE, "", text || "See the licence of that name at the end."].join("\n");
  const parts = [...byText].map(([text, titles]) => part(titles, text));
  const own = part(["ocpp-mesh (Apache-2.0)"], read(join(dirname(dashboard), "LICENSE")));
  return `${["Licences of the packages in this dashboard, and its own.", ...parts, own].join("\n\n")}\n`;
}

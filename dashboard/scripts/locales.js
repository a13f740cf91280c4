// React Aria has its own texts in 34 languages, of which the dashboard speaks those of src/i18n/. The others are left out:
// a reader of any of them sees English, as in the dashboard itself.
const TEXTS = /\/node_modules\/react-(?:aria|stately)\/dist\/private\/intl\/[\w-]+\/([a-z]{2}-[A-Z]{2})\.m?js$/;
const SPOKEN = new Set(["en-US", "de-DE"]);

/** Whether a module has the texts of a language that is left out. */
export function isLeftOut(id) {
  const language = TEXTS.exec(id)?.[1];
  return language !== undefined && !SPOKEN.has(language);
}

export function locales() {
  return {
    name: "locales",
    apply: "build",
    enforce: "pre",
    load: (id) => (isLeftOut(id) ? "export default undefined;" : undefined),
  };
}

import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

import { injectedStyles } from "./scripts/injected_styles.js";
import { licenses } from "./scripts/licenses.js";
import { locales } from "./scripts/locales.js";
import { po } from "./scripts/po.js";

// `npm run dev` serves the sources against the mesh that `make run` has started.
const MESH = process.env.MESH ?? "http://127.0.0.1:8080";
const bundled = licenses(import.meta.dirname);

export default defineConfig({
  plugins: [react(), po(), locales(), injectedStyles(), bundled.ofPages()],
  worker: { format: "es", plugins: () => [bundled.ofWorkers()] },
  build: {
    outDir: "pages",
    // A rebuild on another machine gives the same: names from contents, no times, no paths, nothing inlined into the page.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // The files that each file needs: tests/dashboard/test_sizes.py reads it. It is not served.
    manifest: "chunks.json",
    reportCompressedSize: false,
    // Bounds of sizes are tests, too.
    chunkSizeWarningLimit: Infinity,
    // The dashboard, and the page of the API (src/docs/).
    rolldownOptions: { input: ["index.html", "docs.html"], checks: { pluginTimings: false } },
  },
  server: { proxy: { "/v1": MESH, "/csms.": MESH, "/openapi.json": MESH } },
  // Each file of tests has globals of its own, as in a process of its own, which takes three times as long to start.
  test: { include: ["src/**/*.test.{ts,tsx}", "scripts/**/*.test.js"], pool: "vmThreads" },
});

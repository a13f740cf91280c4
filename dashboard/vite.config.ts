import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// `npm run dev` serves the sources against the mesh that `make run` has started.
const MESH = process.env.MESH ?? "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [react()],
  build: { outDir: "pages", assetsInlineLimit: 0, modulePreload: { polyfill: false } },
  server: { proxy: { "/v1": MESH, "/csms.": MESH } },
});

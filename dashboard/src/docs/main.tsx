// The page at /docs: the REST API, to read and to try. An entry of its own, since it needs neither the shell nor gRPC-web
// but for the session, which it shares with the dashboard.
import "../ui/theme.css";
import "../shell/theme";

import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { DocsPage } from "./DocsPage";

const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <DocsPage />
    </StrictMode>,
  );
}

import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { queryClient, readAnew } from "../api/queries";
import { onGrantsChanged, onLiveGap, startLive } from "../live/client";
import { App } from "./App";

/** Starts the application in an element of the page. */
export function start(root: HTMLElement): void {
  onLiveGap(() => void readAnew(queryClient));
  onGrantsChanged(() => void readAnew(queryClient));
  startLive();
  createRoot(root).render(
    <StrictMode>
      <App />
    </StrictMode>,
  );
}

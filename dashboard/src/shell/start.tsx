import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { queryClient, readAnew } from "../api/queries";
import { currentLanguage } from "../i18n/catalogue";
import { loadWords } from "../i18n/words";
import { onGrantsChanged, onLiveGap, startLive } from "../live/client";
import { App } from "./App";

/** Starts the application in an element of the page. */
export function start(root: HTMLElement): void {
  onLiveGap(() => void readAnew(queryClient));
  onGrantsChanged(() => void readAnew(queryClient));
  startLive();
  void loadWords(currentLanguage()).then(() => {
    createRoot(root).render(
      <StrictMode>
        <App />
      </StrictMode>,
    );
  });
}

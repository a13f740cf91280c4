// The tabs that capabilities have on the page of a station, each loaded when it is first shown.
import { lazy, Suspense, type ComponentType } from "react";

import { usePermissions } from "../api/permissions";
import { useLanguage } from "../i18n/catalogue";
import { Skeleton, type TabItem } from "../ui";
import type { StationTab } from "./capability";
import { stationTabsFor } from "./registry";

type Content = ComponentType<{ stationId: string }>;
const contents = new Map<StationTab, Content>();

function contentOf(tab: StationTab): Content {
  const known = contents.get(tab);
  if (known) return known;
  const content = lazy(tab.load);
  contents.set(tab, content);
  return content;
}

export function useStationTabs(stationId: string): TabItem[] {
  const language = useLanguage();
  return stationTabsFor(usePermissions()).map((tab) => {
    const Content = contentOf(tab);
    return {
      id: tab.id,
      label: tab.label[language],
      content: (
        <Suspense fallback={<Skeleton />}>
          <Content stationId={stationId} />
        </Suspense>
      ),
    };
  });
}

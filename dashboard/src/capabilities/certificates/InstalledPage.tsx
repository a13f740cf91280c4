import type { ReactNode } from "react";

import { FleetPage } from "../../resources";
import { installedList } from "./lists";
import { useParts } from "./parts";
import { useText } from "./text";

export default function InstalledPage(): ReactNode {
  const t = useText();
  return <FleetPage title={t.installedAll} parts={useParts(t)} {...installedList(t)} />;
}

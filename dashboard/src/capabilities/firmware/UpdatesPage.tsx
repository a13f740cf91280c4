import type { ReactNode } from "react";

import { FleetPage } from "../../resources";
import { updateList } from "./lists";
import { useParts } from "./parts";
import { useText } from "./text";

export default function UpdatesPage(): ReactNode {
  const t = useText();
  return <FleetPage title={t.firmware} parts={useParts(t)} {...updateList(t)} />;
}

import type { ReactNode } from "react";

import { FleetPage } from "../../resources";
import { requestList } from "./lists";
import { useParts } from "./parts";
import { useText } from "./text";

export default function RequestsPage(): ReactNode {
  const t = useText();
  return <FleetPage title={t.requestsAll} parts={useParts(t)} {...requestList(t)} />;
}

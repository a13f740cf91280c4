import type { ReactNode } from "react";

import { FleetPage } from "../../resources";
import { uploadList } from "./lists";
import { useParts } from "./parts";
import { useText } from "./text";

export default function UploadsPage(): ReactNode {
  const t = useText();
  return <FleetPage title={t.logs} parts={useParts(t)} {...uploadList(t)} />;
}

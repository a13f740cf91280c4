import type { ReactNode } from "react";

import { FleetPage } from "../../resources";
import { profileList } from "./ProfileList";
import { useText } from "./text";

/** The charging profiles of all stations. */
export default function ProfilesPage(): ReactNode {
  const t = useText();
  return <FleetPage title={t.title} {...profileList(t)} />;
}

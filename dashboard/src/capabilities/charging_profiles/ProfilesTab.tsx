import type { ReactNode } from "react";

import { SectionList } from "../../resources";
import { StationLimits } from "./LimitsChart";
import { profileList } from "./ProfileList";
import { useText } from "./text";

export default function ProfilesTab(props: { stationId: string }): ReactNode {
  const list = profileList(useText(), props.stationId);
  return (
    <>
      <StationLimits stationId={props.stationId} />
      <SectionList {...list} name="profiles" />
    </>
  );
}

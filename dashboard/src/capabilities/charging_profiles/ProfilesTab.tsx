import type { ReactNode } from "react";

import { ResourceList } from "../../resources";
import { StationLimits } from "./LimitsChart";
import { profileList } from "./ProfileList";
import { useText } from "./text";

export default function ProfilesTab(props: { stationId: string }): ReactNode {
  const list = profileList(useText(), props.stationId);
  return (
    <>
      <StationLimits stationId={props.stationId} />
      <ResourceList {...list} name="profiles" ignoreScope fill={false} />
    </>
  );
}

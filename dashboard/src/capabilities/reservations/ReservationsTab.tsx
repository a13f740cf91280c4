import type { ReactNode } from "react";

import { ResourceList } from "../../resources";
import { reservationList } from "./ReservationList";
import { useText } from "./text";

export default function ReservationsTab(props: { stationId: string }): ReactNode {
  const list = reservationList(useText(), props.stationId);
  return <ResourceList {...list} name="reservations" ignoreScope fill={false} />;
}

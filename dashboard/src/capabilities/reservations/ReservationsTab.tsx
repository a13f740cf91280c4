import type { ReactNode } from "react";

import { SectionList } from "../../resources";
import { reservationList } from "./ReservationList";
import { useText } from "./text";

export default function ReservationsTab(props: { stationId: string }): ReactNode {
  const list = reservationList(useText(), props.stationId);
  return <SectionList {...list} name="reservations" />;
}

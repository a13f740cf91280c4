import type { ReactNode } from "react";

import { FleetPage } from "../../resources";
import { reservationList } from "./ReservationList";
import { useText } from "./text";

/** The reservations of all stations. */
export default function ReservationsPage(): ReactNode {
  const t = useText();
  return <FleetPage title={t.title} {...reservationList(t)} />;
}

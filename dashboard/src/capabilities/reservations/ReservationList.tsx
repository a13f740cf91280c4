import { dataText, type LiveEvent } from "../../live";
import { enumColumn, enumFilter, stationColumn, textColumn, timeColumn } from "../../resources";
import {
  ReservationSchema,
  ReservationState,
  ReservationStateSchema,
  type Reservation,
} from "../../stubs/csms/station/v1/reservation_pb";
import { ReservationService } from "../../stubs/csms/station/v1/reservation_service_pb";
import { EmptyState } from "../../ui";
import type { Text } from "./text";

const { method } = ReservationService;

/** The list of the reservations of a station; of all stations without one. */
export function reservationList(t: Text, stationId?: string) {
  const named = (row: Reservation) => ({ stationId: row.stationId, reservationId: row.reservationId });
  return {
    label: t.title,
    method: method.listReservations,
    field: "reservations" as const,
    request: { stationId: stationId ?? "-" },
    schema: ReservationSchema,
    rowKey: (row: Reservation) =>
      stationId === undefined ? `${row.stationId}/${String(row.reservationId)}` : String(row.reservationId),
    columns: [
      enumColumn<Reservation>("state", t.state, ReservationStateSchema, (row) => row.state, {
        [ReservationState.ACTIVE]: "accent",
        [ReservationState.REJECTED]: "bad",
      }),
      ...(stationId === undefined
        ? [stationColumn<Reservation>(t.station, "reservations", (row) => row.stationId)]
        : []),
      textColumn<Reservation>("reservation", t.reservation, (row) => String(row.reservationId), { card: "head" }),
      textColumn<Reservation>("evse", t.evse, (row) => (row.evse?.evseId ? String(row.evse.evseId) : t.any)),
      textColumn<Reservation>("token", t.token, (row) => row.idToken?.idToken),
      timeColumn<Reservation>("until", t.until, (row) => row.expireTime),
    ],
    filters: [enumFilter("state", t.state, ReservationStateSchema)],
    live: {
      filter: { types: ["reservation."], ...(stationId === undefined ? {} : { stationId }) },
      keyOf: (event: LiveEvent) =>
        stationId === undefined
          ? `${event.stationId}/${dataText(event, "reservationId")}`
          : dataText(event, "reservationId"),
      apply: () => "reload" as const,
    },
    creates: [
      {
        method: method.createReservation,
        label: t.create,
        ...(stationId === undefined ? {} : { fixed: () => ({ stationId }) }),
        keepsAnswer: true,
      },
    ],
    actions: [
      { method: method.getReservation, label: t.look, icon: "search" as const, fixed: named, keepsAnswer: true },
      {
        method: method.cancelReservation,
        label: t.cancel,
        icon: "close" as const,
        danger: true,
        isOffered: (row: Reservation) => row.state === ReservationState.ACTIVE,
        fixed: named,
      },
    ],
    empty: (
      <EmptyState title={t.empty} icon="calendar">
        <p>{t.emptyText}</p>
      </EmptyState>
    ),
  };
}

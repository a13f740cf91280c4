import type { ReactNode } from "react";

import { dataText } from "../../live";
import { enumColumn, ResourceList, textColumn, timeColumn } from "../../resources";
import {
  ReservationSchema,
  ReservationState,
  ReservationStateSchema,
  type Reservation,
} from "../../stubs/csms/station/v1/reservation_pb";
import { ReservationService } from "../../stubs/csms/station/v1/reservation_service_pb";
import { EmptyState } from "../../ui";
import { useText } from "./text";

const { method } = ReservationService;

export default function ReservationsTab(props: { stationId: string }): ReactNode {
  const t = useText();
  const { stationId } = props;
  const named = (row: Reservation) => ({ stationId, reservationId: row.reservationId });
  return (
    <ResourceList
      name="reservations"
      label={t.title}
      method={method.listReservations}
      field="reservations"
      request={{ stationId }}
      schema={ReservationSchema}
      rowKey={(row) => String(row.reservationId)}
      columns={[
        enumColumn<Reservation>("state", t.state, ReservationStateSchema, (row) => row.state, {
          [ReservationState.ACTIVE]: "accent",
          [ReservationState.REJECTED]: "bad",
        }),
        textColumn<Reservation>("reservation", t.reservation, (row) => String(row.reservationId), { card: "head" }),
        textColumn<Reservation>("evse", t.evse, (row) => (row.evse?.evseId ? String(row.evse.evseId) : t.any)),
        textColumn<Reservation>("token", t.token, (row) => row.idToken?.idToken),
        timeColumn<Reservation>("until", t.until, (row) => row.expireTime),
      ]}
      live={{
        filter: { types: ["reservation."], stationId },
        keyOf: (event) => dataText(event, "reservationId"),
        apply: () => "reload",
      }}
      creates={[{ method: method.createReservation, label: t.create, fixed: () => ({ stationId }), keepsAnswer: true }]}
      actions={[
        { method: method.getReservation, label: t.look, icon: "search", fixed: named, keepsAnswer: true },
        {
          method: method.cancelReservation,
          label: t.cancel,
          icon: "close",
          danger: true,
          isOffered: (row) => row.state === ReservationState.ACTIVE,
          fixed: named,
        },
      ]}
      ignoreScope
      fill={false}
      empty={
        <EmptyState title={t.empty} icon="calendar">
          <p>{t.emptyText}</p>
        </EmptyState>
      }
    />
  );
}

"""Reservations follow what is sent to stations, what they answer and report, and the time."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial

from csms.common.v1.id_token_pb2 import IdToken
from csms.station.v1 import reservation_pb2 as pb
from google.protobuf.message import Message
from sqlalchemy import Connection

from mesh.audit import entries as audit
from mesh.contract.drivers import Driver
from mesh.database.row_walk import Row
from mesh.driver_tables import REMOVE, WAIT, Decision
from mesh.events import outbox
from mesh.events.outbox import OutboxEvent
from mesh.runtime.errors import MeshError
from mesh.runtime.times import from_timestamp
from station_svc.commands.hooks import CommandHooks
from station_svc.commands.outcomes import Outcome, outcome_of, reason_code_of
from station_svc.commands.rows import NewCommand
from station_svc.core import allocation_store
from station_svc.core.audit_store import as_station
from station_svc.core.reports import Status
from station_svc.core.rows import FAULTED, UNAVAILABLE, Frame
from station_svc.features.reservations import store
from station_svc.features.reservations.rows import (
    ACTIVE,
    CANCELLED,
    ENDS,
    REJECTED,
    REQUESTED,
    UNKNOWN,
    ReservationRow,
    Use,
)


class Reserve(CommandHooks):
    """A reservation on its way to a station. Its number is written into the message that is sent.

    `id_token` is the token as the operator gave it, which the reservation keeps; the station may be sent another form.
    """

    def __init__(self, *, sent: pb.ReserveNowRequest, id_token: IdToken) -> None:
        self._sent = sent
        self._id_token = id_token

    def on_begin(self, connection: Connection, new: NewCommand, now_us: int) -> None:
        """It is requested. Only its outcome is published."""
        self._sent.reservation_id = allocation_store.take(
            connection, tenant_id=new.tenant_id, station_id=new.station_id, kind="reservation"
        )
        row = self._to_row(new, now_us)
        store.add(connection, row)
        _audit(connection, None, row, time_us=row.update_us)

    def on_outcome(self, connection: Connection, new: NewCommand, outcome: Message | MeshError, now_us: int) -> None:
        """Its state follows the station's answer."""
        for row in store.find(connection, [(new.tenant_id, new.station_id, self._sent.reservation_id)]):
            kind, status = outcome_of(outcome), 0
            if kind is Outcome.UNSENT:
                store.remove(connection, row)
                _audit(connection, row, None, time_us=row.update_us)
                continue
            if isinstance(outcome, pb.ReserveNowResponse):
                status = outcome.status
            state = ACTIVE if status == pb.RESERVE_NOW_STATUS_ACCEPTED else REJECTED
            if kind is Outcome.UNKNOWN:
                state = UNKNOWN
            _record(connection, [row], [row.answered(status, state, reason_code_of(outcome), now_us)])

    def _to_row(self, new: NewCommand, now_us: int) -> ReservationRow:
        sent = self._sent
        return ReservationRow(
            tenant_id=new.tenant_id,
            station_id=new.station_id,
            reservation_id=sent.reservation_id,
            evse_id=sent.evse_id,
            id_token=self._id_token.id_token,
            id_token_type=self._id_token.type,
            group_id_token=sent.group_id_token.id_token,
            group_id_token_type=sent.group_id_token.type,
            connector_type=sent.connector_type,
            expire_us=from_timestamp(sent.expire_time),
            state=REQUESTED,
            doubt_us=new.deadline_us,
            create_us=now_us,
            update_us=now_us,
        )


class Cancel(CommandHooks):
    """A request to cancel a reservation, which need not be known here."""

    def __init__(self, *, reservation_id: int) -> None:
        self._reservation_id = reservation_id

    def on_begin(self, connection: Connection, new: NewCommand, now_us: int) -> None:
        """The state of the reservation is unknown unless the outcome is."""
        del now_us
        store.save(connection, [row.unknown_after(new.deadline_us) for row in self._find(connection, new)])

    def on_outcome(self, connection: Connection, new: NewCommand, outcome: Message | MeshError, now_us: int) -> None:
        """It is cancelled, or in its former state; unknown without an answer, or where the station has none such."""
        kind = outcome_of(outcome)
        state: int | None = None
        if kind is Outcome.UNKNOWN:
            state = UNKNOWN
        elif isinstance(outcome, pb.CancelReservationResponse):
            state = CANCELLED if outcome.status == pb.CANCEL_RESERVATION_STATUS_ACCEPTED else UNKNOWN
        rows = self._find(connection, new)
        _record(connection, rows, [row.settled(state, now_us) for row in rows])

    def _find(self, connection: Connection, new: NewCommand) -> Sequence[ReservationRow]:
        return store.find(connection, [(new.tenant_id, new.station_id, self._reservation_id)])


def record_uses(connection: Connection, reports: Sequence[tuple[Frame, pb.ReservationUse]]) -> None:
    """Records reservations that stations report as used. See station_svc.feature.ReportHandler."""
    uses: dict[store.Key, tuple[Frame, pb.ReservationUse]] = {}
    for frame, use in reports:
        uses.setdefault((*frame.station, use.reservation_id), (frame, use))
    rows = store.find(connection, uses)
    used = []
    for row in rows:
        frame, use = uses[row.tenant_id, row.station_id, row.reservation_id]
        used.append(row.used(_to_use(frame, use), frame.receive_us))
    _record(connection, rows, used, by_station=True)


def record_updates(connection: Connection, reports: Sequence[tuple[Frame, pb.ReservationUpdate]]) -> None:
    """Ends reservations that stations report as expired or removed. See station_svc.feature.ReportHandler."""
    ends = {
        (*frame.station, update.reservation_id): (frame, ENDS[update.status])
        for frame, update in reversed(reports)
        if update.status in ENDS
    }
    rows = store.find(connection, ends)
    ended = []
    for row in rows:
        frame, state = ends[row.tenant_id, row.station_id, row.reservation_id]
        ended.append(row.ended(state, frame.receive_us) if row.create_us <= frame.receive_us else row)
    _record(connection, rows, ended, by_station=True)


def _to_use(frame: Frame, use: pb.ReservationUse) -> Use:
    has_time = use.HasField("use_time")
    return Use(
        use_us=from_timestamp(use.use_time) if has_time else frame.receive_us,
        evse_id=use.evse.evse_id,
        transaction_id=use.transaction_id,
    )


def follow_statuses(connection: Connection, statuses: Iterable[Status]) -> None:
    """Ends reservations of EVSEs that became unusable; EVSE 0 is a whole station."""
    closed = {
        (*status.frame.station, status.evse_id): status.frame.receive_us
        for status in statuses
        if status.status in {FAULTED, UNAVAILABLE}
    }
    end_at(connection, closed)


def end_at(connection: Connection, closed: Mapping[tuple[str, str, int], int]) -> None:
    """Ends what was kept at these EVSEs (tenant, station, EVSE: when; 0: the whole station) before they were closed.

    Faulted or unavailable: a station keeps nothing there any more, and OCPP 1.6 has no word for it but the status.
    """
    if not closed:
        return
    before, after = [], []
    for row in store.held_at(connection, closed):
        station = row.tenant_id, row.station_id
        moments = [closed[key] for key in ((*station, 0), (*station, row.evse_id)) if key in closed]
        if row.create_us < max(moments):
            before.append(row)
            after.append(row.with_state(CANCELLED, max(moments)))
    _record(connection, before, after, by_station=True)


def end_due(connection: Connection, *, now_us: int, limit: int) -> int:
    """Changes up to `limit` reservations that are due by time; returns their number."""
    rows = store.due(connection, now_us=now_us, limit=limit)
    _record(connection, rows, [row.after(now_us) for row in rows])
    return len(rows)


def _record(
    connection: Connection,
    before: Iterable[ReservationRow],
    after: Sequence[ReservationRow],
    *,
    by_station: bool = False,
) -> None:
    """Stores changed reservations. `by_station`: their stations' own reports changed them."""
    store.save(connection, after)
    news = [(was, row) for was, row in zip(before, after, strict=True) if was.state != row.state]
    outbox.append(connection, [_event(row) for _was, row in news])
    for was, row in news:
        actor = as_station(row.station_id) if by_station else None
        _audit(connection, was, row, actor=actor, time_us=row.update_us)


AUDITED = (
    *("evse_id", "connector_type", "id_token", "id_token_type", "group_id_token", "group_id_token_type"),
    *("expire_us", "state"),
)


def audited_fields(row: ReservationRow) -> dict[str, str | int]:
    """The audited fields of a reservation, by the names of their columns."""
    return {name: getattr(row, name) for name in AUDITED}


_audit = partial(
    audit.row_changed,
    resource_type="reservation",
    resource=lambda row: f"{row.station_id}/{row.reservation_id}",
    station=lambda row: row.station_id,
    image=audited_fields,
)


def _event(row: ReservationRow) -> OutboxEvent:
    """A reservation has this state from now on."""
    word = pb.ReservationState.Name(pb.ReservationState.ValueType(row.state))
    kind = "reservation." + word.removeprefix("RESERVATION_STATE_").lower()
    return OutboxEvent(
        event_id=f"{kind}:{row.station_id}:{row.reservation_id}:{row.update_us}",
        tenant_id=row.tenant_id,
        type=kind,
        station_id=row.station_id,
        event_time_us=row.update_us,
        data={
            "reservationId": row.reservation_id,
            "evseId": row.evse_id,
            "connectorType": row.connector_type,
            "idToken": row.id_token,
            "reserveStatus": pb.ReserveNowStatus.Name(pb.ReserveNowStatus.ValueType(row.reserve_status)),
            "reasonCode": row.reason_code,
            "useEvseId": row.use_evse_id,
            "transactionId": row.transaction_id,
        },
    )


def of_driver(row: Row, driver: Driver) -> Decision:
    """A reservation of a driver, for their erasure: one that a station may still keep waits for its end."""
    if not driver.is_token(row["id_token"]) and not driver.is_token(row["group_id_token"]):
        return None
    return WAIT if row["due_us"] is not None else REMOVE

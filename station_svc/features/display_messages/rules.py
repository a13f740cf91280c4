"""The messages on displays follow what is sent to stations, what they answer and report, and the time."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial

from csms.station.v1 import display_message_pb2 as pb
from csms.station.v1 import display_message_service_pb2 as service_pb
from google.protobuf import json_format
from google.protobuf.message import Message
from sqlalchemy import Connection

from mesh.events import outbox
from mesh.events.outbox import OutboxEvent
from mesh.runtime.errors import MeshError
from mesh.runtime.times import from_timestamp
from station_svc.commands.hooks import CommandHooks
from station_svc.commands.outcomes import Outcome, outcome_of
from station_svc.commands.rows import NewCommand
from station_svc.core import allocation_store
from station_svc.core.names import name_of
from station_svc.core.rows import Frame
from station_svc.features.display_messages import store
from station_svc.features.display_messages.rows import (
    ACTIVE,
    CLEARED,
    REJECTED,
    REPLACED,
    REQUESTED,
    UNKNOWN,
    MessageRow,
)
from station_svc.partial_reports import recording
from station_svc.partial_reports.recording import Arrival, RequestReport
from station_svc.partial_reports.rows import EMPTY, Part, PartialReportRow
from station_svc.partial_reports.rows import REQUESTED as REPORT_REQUESTED

REPORT = "display_messages"
MOST_MESSAGES = 500
"""Most messages of a station that are followed at a time; further ones that it reports are not kept."""


class SetMessage(CommandHooks):
    """A message on its way to a station. Where it has no number, a free one is written into what is sent."""

    def __init__(self, message: pb.DisplayMessage) -> None:
        self._message = message
        self._number = 0

    def on_begin(self, connection: Connection, new: NewCommand, now_us: int) -> None:
        """It is requested. Only its outcome is published."""
        take = partial(allocation_store.take, connection, tenant_id=new.tenant_id, station_id=new.station_id)
        self._number = take(kind="display_message")
        if not self._message.HasField("display_message_id"):
            held = {row.message_id for row in store.live(connection, [(new.tenant_id, new.station_id)])}
            self._message.display_message_id = take(kind="display_message_id", in_use=held)
        row = _to_row(new.tenant_id, new.station_id, self._number, self._message, now_us)
        store.save(connection, [replace(row, state=REQUESTED, doubt_us=new.deadline_us)])

    def on_outcome(self, connection: Connection, new: NewCommand, outcome: Message | MeshError, now_us: int) -> None:
        """Its state, and that of the messages that it replaced, follow the station's answer."""
        held = store.live(connection, [(new.tenant_id, new.station_id)])
        row = next((row for row in held if row.number == self._number), None)
        if row is None:  # the station was removed meanwhile
            return
        kind = outcome_of(outcome)
        if kind is Outcome.UNSENT:
            store.remove(connection, row)
            return
        answer = outcome.status if isinstance(outcome, pb.SetDisplayMessageResponse) else 0
        state = ACTIVE if answer == pb.DISPLAY_MESSAGE_STATUS_ACCEPTED else REJECTED
        if kind is Outcome.UNKNOWN:
            state = UNKNOWN
        changed = [row.with_state(state, now_us, answer)]
        if state == ACTIVE:
            changed += [other.with_state(REPLACED, now_us) for other in held if row.is_in_place_of(other)]
        _save(connection, changed, now_us)


class ClearMessage(CommandHooks):
    """A message that is cleared, which need not be known here."""

    def __init__(self, message_id: int) -> None:
        self._message_id = message_id

    def on_begin(self, connection: Connection, new: NewCommand, now_us: int) -> None:
        """The state of the message is unknown unless the outcome is."""
        del now_us
        store.save(connection, [replace(row, doubt_us=new.deadline_us) for row in self._find(connection, new)])

    def on_outcome(self, connection: Connection, new: NewCommand, outcome: Message | MeshError, now_us: int) -> None:
        """Cleared also where the station has none such; as it was where it refused or was not reached."""
        rows = self._find(connection, new)
        if outcome_of(outcome) is Outcome.UNKNOWN:
            _save(connection, [row.with_state(UNKNOWN, now_us) for row in rows], now_us)
        elif isinstance(outcome, pb.ClearDisplayMessageResponse) and outcome.status != pb.CLEAR_MESSAGE_STATUS_REJECTED:
            _save(connection, [row.with_state(CLEARED, now_us) for row in rows], now_us)
        else:
            store.save(connection, [replace(row, doubt_us=None) for row in rows])

    def _find(self, connection: Connection, new: NewCommand) -> Sequence[MessageRow]:
        held = store.live(connection, [(new.tenant_id, new.station_id)])
        return [row for row in held if row.message_id == self._message_id and row.state != REQUESTED]


class RequestMessages(RequestReport):
    """A report of a station's messages that is requested."""

    def __init__(self, sent: pb.GetDisplayMessagesRequest) -> None:
        is_whole = not sent.display_message_ids and not sent.priority and not sent.shown_state
        super().__init__(kind=REPORT, sent=sent, is_whole=is_whole, state_of=_state_of)

    def on_nothing(self, connection: Connection, report: PartialReportRow) -> None:
        """The station holds no messages at all (O03.FR.05)."""
        if report.is_whole:
            _end_unreported(connection, report, report.update_us)


def _state_of(answer: pb.GetDisplayMessagesResponse) -> int:
    return REPORT_REQUESTED if answer.status == pb.GET_DISPLAY_MESSAGES_STATUS_ACCEPTED else EMPTY


def record(connection: Connection, reports: Sequence[tuple[Frame, pb.DisplayMessagesPart]]) -> None:
    """Takes parts of reports. See station_svc.feature.ReportHandler.

    A report of all messages that is complete ends those that it does not have, but for those that were set since it
    was requested.
    """
    parts = [
        (frame, Part(report_id=part.report_id, number=None, to_be_continued=part.to_be_continued), part)
        for frame, part in reports
    ]
    for arrival in recording.record_parts(connection, REPORT, parts):
        _take(connection, arrival)
        if arrival.completes and arrival.report.is_whole:
            _end_unreported(connection, arrival.report, arrival.frame.receive_us)


def _take(connection: Connection, arrival: Arrival) -> None:
    frame, report_id = arrival.frame, arrival.report.report_id
    held = {row.message_id: row for row in store.live(connection, [frame.station])}
    changed: dict[int, MessageRow] = {}
    for message in arrival.content.messages:
        before = held.get(message.display_message_id)
        if before is None and len(held) + len(changed) >= MOST_MESSAGES:
            continue
        number = before.number if before is not None else _next_number(connection, frame)
        created_us = before.create_us if before is not None else frame.receive_us
        row = _to_row(frame.tenant_id, frame.station_id, number, message, frame.receive_us)
        changed[message.display_message_id] = replace(
            row,
            report_id=report_id,
            station_made=1 if before is None else before.station_made,
            create_us=created_us,
        )
    _save(connection, changed.values(), frame.receive_us, before=held.values())


def _next_number(connection: Connection, frame: Frame) -> int:
    return allocation_store.take(
        connection, tenant_id=frame.tenant_id, station_id=frame.station_id, kind="display_message"
    )


def _end_unreported(connection: Connection, report: PartialReportRow, now_us: int) -> None:
    held = store.live(connection, [(report.tenant_id, report.station_id)])
    gone = [
        row.with_state(CLEARED, now_us)
        for row in held
        if row.report_id != report.report_id and row.update_us <= report.create_us and row.state != REQUESTED
    ]
    _save(connection, gone, now_us)


def _save(
    connection: Connection, rows: Iterable[MessageRow], now_us: int, *, before: Iterable[MessageRow] = ()
) -> None:
    """Stores messages; each whose state is another one than in `before` is an event."""
    states = {row.number: row.state for row in before}
    changed = list(rows)
    store.save(connection, changed)
    news = [row for row in changed if states.get(row.number) != row.state]
    outbox.append(connection, [_event(row, now_us) for row in news])


def _to_row(tenant_id: str, station_id: str, number: int, message: pb.DisplayMessage, now_us: int) -> MessageRow:
    display = message.display
    return MessageRow(
        tenant_id=tenant_id,
        station_id=station_id,
        number=number,
        message_id=message.display_message_id,
        priority=message.priority,
        shown_state=message.shown_state,
        start_us=from_timestamp(message.start_time) if message.HasField("start_time") else None,
        end_us=from_timestamp(message.end_time) if message.HasField("end_time") else None,
        transaction_id=message.transaction_id,
        display=json_format.MessageToJson(display, indent=None) if display.component else "",
        format=message.format,
        language=message.language,
        content=message.content,
        state=ACTIVE,
        create_us=now_us,
        update_us=now_us,
    )


def _event(row: MessageRow, now_us: int) -> OutboxEvent:
    return OutboxEvent(
        event_id=f"display_message.changed:{row.station_id}:{row.number}:{row.state}:{now_us}",
        tenant_id=row.tenant_id,
        type="display_message.changed",
        station_id=row.station_id,
        event_time_us=now_us,
        data={
            "displayMessageId": row.message_id,
            "state": name_of(service_pb.DisplayMessageState.Name, row.state),
        },
    )

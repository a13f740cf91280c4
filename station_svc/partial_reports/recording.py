"""Reports in parts, as commands request them and as their parts arrive."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from csms.station.v1 import partial_report_pb2 as pb
from google.protobuf.message import Message
from sqlalchemy import Connection

from mesh.events import outbox
from mesh.events.outbox import OutboxEvent
from mesh.runtime.errors import MeshError
from mesh.runtime.times import to_timestamp
from station_svc.commands.hooks import CommandHooks
from station_svc.commands.outcomes import Outcome, outcome_of
from station_svc.commands.rows import NewCommand
from station_svc.core import allocation_store
from station_svc.core.names import name_of
from station_svc.core.rows import Frame
from station_svc.partial_reports import store
from station_svc.partial_reports.rows import (
    COMPLETE,
    EMPTY,
    INCOMPLETE,
    RECEIVING,
    REFUSED,
    REQUESTED,
    Part,
    PartialReportRow,
)


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """A part that was not taken before: its frame, its content, the report with it, and the state before it."""

    frame: Frame
    content: Any
    report: PartialReportRow
    former_state: int

    @property
    def completes(self) -> bool:
        """Whether all parts are there with this one."""
        return self.report.state == COMPLETE != self.former_state

    @property
    def ends(self) -> bool:
        """Whether the report came to an end with this one, complete or not."""
        return self.report.state in {COMPLETE, INCOMPLETE} and self.report.state != self.former_state


class RequestReport(CommandHooks):
    """A report that is requested. `sent` has the field report_id, which is filled in where it is absent.

    `state_of(answer)` is the state of the report after the station's answer; REQUESTED where parts follow.
    """

    def __init__(self, *, kind: str, sent: Any, is_whole: bool, state_of: Callable[[Any], int]) -> None:
        self._kind = kind
        self._sent = sent
        self._is_whole = is_whole
        self._state_of = state_of

    def on_begin(self, connection: Connection, new: NewCommand, now_us: int) -> None:
        """It is requested; an earlier report of the number is replaced."""
        sent = self._sent
        if not sent.HasField("report_id"):
            sent.report_id = allocation_store.take(
                connection, tenant_id=new.tenant_id, station_id=new.station_id, kind="report"
            )
        row = PartialReportRow(
            tenant_id=new.tenant_id,
            station_id=new.station_id,
            kind=self._kind,
            report_id=sent.report_id,
            state=REQUESTED,
            is_whole=int(self._is_whole),
            create_us=now_us,
            update_us=now_us,
        )
        store.save(connection, [row])
        store.trim(connection, tenant_id=new.tenant_id, station_id=new.station_id, kind=self._kind)

    def on_outcome(self, connection: Connection, new: NewCommand, outcome: Message | MeshError, now_us: int) -> None:
        """Refused or empty by the answer. Parts that came before this stay, and so does a report without an answer."""
        key = new.tenant_id, new.station_id, self._sent.report_id
        row = store.find(connection, self._kind, [key]).get(key)
        kind = outcome_of(outcome)
        if row is None or row.state != REQUESTED or kind is Outcome.UNKNOWN:
            return
        state = self._state_of(outcome) if kind is Outcome.ANSWERED else REFUSED
        if state != REQUESTED:
            store.save(connection, [replace(row, state=state, update_us=now_us)])
        if state == EMPTY:
            self.on_nothing(connection, row)

    def on_nothing(self, connection: Connection, report: PartialReportRow) -> None:
        """The station has nothing to report."""


def record_parts(connection: Connection, kind: str, parts: Sequence[tuple[Frame, Part, Any]]) -> Sequence[Arrival]:
    """Takes parts, in the order of their frames; returns those that were not taken before."""
    keys = {(*frame.station, part.report_id) for frame, part, _content in parts}
    rows = dict(store.find(connection, kind, keys))
    known = frozenset(rows)
    arrivals = []
    for frame, part, content in parts:
        key = (*frame.station, part.report_id)
        before = rows.get(key) or _unrequested(kind, frame, part)
        row = before.with_part(part, frame)
        if row is not None:
            rows[key] = row
            arrivals.append(Arrival(frame=frame, content=content, report=row, former_state=before.state))
    store.save(connection, rows.values())
    for tenant_id, station_id in sorted({key[:2] for key in rows.keys() - known}):
        store.trim(connection, tenant_id=tenant_id, station_id=station_id, kind=kind)
    outbox.append(connection, [_event(one) for one in arrivals if one.ends])
    return arrivals


def _unrequested(kind: str, frame: Frame, part: Part) -> PartialReportRow:
    return PartialReportRow(
        tenant_id=frame.tenant_id,
        station_id=frame.station_id,
        kind=kind,
        report_id=part.report_id,
        state=RECEIVING,
        station_made=1,
        create_us=frame.receive_us,
        update_us=frame.receive_us,
    )


def _event(arrival: Arrival) -> OutboxEvent:
    report = arrival.report
    return OutboxEvent(
        event_id=f"station.report:{arrival.frame.epoch}:{arrival.frame.ordinal}",
        tenant_id=report.tenant_id,
        type="station.report_received",
        station_id=report.station_id,
        event_time_us=arrival.frame.receive_us,
        data={
            "kind": report.kind,
            "reportId": report.report_id,
            "state": name_of(pb.PartialReportState.Name, report.state),
            "parts": report.parts,
            "doubledParts": report.doubled_parts,
        },
    )


def to_message(row: PartialReportRow, now_us: int) -> pb.PartialReport:
    """The report as operators see it."""
    present = row.after(now_us)
    return pb.PartialReport(
        report_id=present.report_id,
        state=pb.PartialReportState.ValueType(present.state),
        parts=present.parts,
        missing_parts=present.missing_parts,
        doubled_parts=present.doubled_parts,
        station_made=bool(present.station_made),
        create_time=to_timestamp(present.create_us),
        update_time=to_timestamp(present.update_us),
    )

"""Reports of variables: what requests one, and the parts that stations send."""

import secrets
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import grpc
from csms.station.v1 import device_model_pb2 as pb
from google.protobuf.message import Message
from sqlalchemy import Connection

from mesh.events import outbox
from mesh.events.outbox import OutboxEvent
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError, invalid_field
from mesh.runtime.times import from_timestamp
from station_svc.commands.hooks import CommandHooks
from station_svc.commands.outcomes import Outcome, outcome_of
from station_svc.commands.rows import NewCommand
from station_svc.commands.variables import to_row
from station_svc.core import variable_store
from station_svc.core.lock_store import lock_stations
from station_svc.core.rows import Frame
from station_svc.core.station_rows import VariableRow
from station_svc.features.device_model import report_store as store
from station_svc.features.device_model.rows import (
    COMPLETE,
    PATIENCE_US,
    RECEIVING,
    REQUESTED,
    STATUS_REJECTED,
    PartRow,
    ReportRow,
)

# Most frames with parts of one report that are counted; variables of further ones are stored all the same.
MOST_PARTS = 10_000
# Most numbers of parts that are listed.
MOST_LISTED = 1_000
_IN_EVENTS = 50

Request = pb.GetBaseReportRequest | pb.GetReportRequest
Reports = Sequence[tuple[Frame, pb.VariableReportPart]]


def complete(sent: Request) -> None:
    """Fills in what is sent, in place: a number where it has none. Raises MeshError INVALID_FIELD."""
    if sent.variable_report_id < 0:
        raise invalid_field("variable_report_id", "must not be below 0")
    sent.variable_report_id = sent.variable_report_id or 1 + secrets.randbelow(2**31 - 1)


class ReportHooks(CommandHooks):
    """The hooks of a request for a report, as `complete` made it: they make the report."""

    def __init__(self, sent: Request) -> None:
        self._number = sent.variable_report_id
        self._base = sent.report_base if isinstance(sent, pb.GetBaseReportRequest) else 0

    def on_begin(self, connection: Connection, new: NewCommand, now_us: int) -> None:
        """Adds the report before its first part can arrive. Raises MeshError where its number is in use."""
        row = ReportRow(
            tenant_id=new.tenant_id,
            station_id=new.station_id,
            variable_report_id=self._number,
            report_base=self._base,
            due_us=new.deadline_us + PATIENCE_US,
            create_us=now_us,
            update_us=now_us,
        )
        if not store.add(connection, [row]):
            raise MeshError(
                grpc.StatusCode.ALREADY_EXISTS,
                Reason.VARIABLE_REPORT_EXISTS,
                f"station {new.station_id} has a report {self._number} already: give another number, or none",
            )

    def on_outcome(self, connection: Connection, new: NewCommand, outcome: Message | MeshError, now_us: int) -> None:
        """The station reports, or refuses to, or is not known to; a request that was not sent made no report."""
        lock_stations(connection, [(new.tenant_id, new.station_id)])
        for row in store.find(connection, [(new.tenant_id, new.station_id, self._number)]).values():
            kind = outcome_of(outcome)
            if kind is Outcome.UNSENT and row.state == REQUESTED:
                store.remove(connection, row)
            elif isinstance(outcome, pb.GetBaseReportResponse | pb.GetReportResponse):
                store.save(connection, [row.answered(outcome.status, now_us)])
            elif kind is Outcome.REFUSED:
                store.save(connection, [row.answered(STATUS_REJECTED, now_us)])


def record(connection: Connection, reports: Reports) -> None:
    """Takes parts of reports: their variables become the stations'. See station_svc.feature.ReportHandler."""
    store.add(connection, _unrequested(reports))
    before = store.find(connection, {(*frame.station, part.variable_report_id) for frame, part in reports})
    parts = list(_store_variables(connection, reports))
    store.add_parts(connection, [part for part in parts if before[part.report].part_rows < MOST_PARTS])
    tallies = store.tallies(connection, before)
    after = dict(before)
    for frame, part in reports:
        key = (*frame.station, part.variable_report_id)
        if key in tallies:
            generate_us = from_timestamp(part.generate_time) if part.HasField("generate_time") else None
            after[key] = after[key].after_parts(tallies[key], generate_us=generate_us, now_us=frame.receive_us)
    store.save(connection, after.values())
    ended = [row for row in after.values() if row.state == COMPLETE != before[row.key].state]
    outbox.append(connection, [_event("station.variable_report_completed", row) for row in ended])


def _unrequested(reports: Reports) -> Iterable[ReportRow]:
    """A report for each part, in case that none was requested here."""
    rows = {
        (*frame.station, part.variable_report_id): ReportRow(
            tenant_id=frame.tenant_id,
            station_id=frame.station_id,
            variable_report_id=part.variable_report_id,
            state=RECEIVING,
            create_us=frame.receive_us,
            update_us=frame.receive_us,
        )
        for frame, part in reversed(reports)
    }
    return rows.values()


def _store_variables(connection: Connection, reports: Reports) -> Iterator[PartRow]:
    """Stores the variables of parts, as many as there is room for."""
    stored: list[tuple[tuple[str, str], VariableRow]] = []
    for frame, part in reports:
        rows = [to_row(one.variable, frame.receive_us, has_value=not one.without_value) for one in part.attributes]
        welcome = variable_store.with_room(connection, frame.station, rows)
        stored += [(frame.station, row) for row in welcome]
        yield PartRow(
            frame=frame,
            variable_report_id=part.variable_report_id,
            seq_no=part.seq_no,
            is_last=not part.to_be_continued,
            attribute_count=len(rows),
            skipped_count=len(rows) - len(welcome),
        )
    variable_store.remember(connection, stored)


def end_due(connection: Connection, *, now_us: int, limit: int) -> int:
    """Ends reports whose parts have not arrived in time. See station_svc.feature.DueHandler."""
    rows = [row.overdue(now_us) for row in store.due(connection, now_us=now_us, limit=limit)]
    store.save(connection, rows)
    events = []
    for row in rows:
        missing = missing_parts(store.part_counts(connection, row.key), row.last_part, most=_IN_EVENTS)
        events.append(_event("station.variable_report_incomplete", row, missing=missing))
    outbox.append(connection, events)
    return len(rows)


def missing_parts(counts: Sequence[tuple[int, int]], last_part: int | None, *, most: int = MOST_LISTED) -> list[int]:
    """The numbers that are missing up to the last part, or to the highest number that arrived; the first `most`."""
    return list(islice(_gaps(counts, last_part), most))


def _gaps(counts: Sequence[tuple[int, int]], last_part: int | None) -> Iterator[int]:
    expected = 0
    for seq_no, _count in counts:
        yield from range(expected, seq_no)
        expected = seq_no + 1
    if last_part is not None:
        yield from range(expected, last_part)


def doubled_parts(counts: Sequence[tuple[int, int]]) -> list[int]:
    """The numbers that arrived more than once; the first MOST_LISTED."""
    return list(islice((seq_no for seq_no, count in counts if count > 1), MOST_LISTED))


def _event(kind: str, row: ReportRow, *, missing: Sequence[int] = ()) -> OutboxEvent:
    data = {
        "variableReportId": row.variable_report_id,
        "reportBase": pb.ReportBase.Name(pb.ReportBase.ValueType(row.report_base)),
        "receivedParts": row.received_parts,
        "attributeCount": row.attribute_count,
        "missingParts": list(missing),
    }
    if row.last_part is not None:
        data["lastPart"] = row.last_part
    return OutboxEvent(
        event_id=f"{kind}:{row.station_id}:{row.variable_report_id}:{row.create_us}:{row.update_us}",
        tenant_id=row.tenant_id,
        type=kind,
        station_id=row.station_id,
        event_time_us=row.update_us,
        data=data,
    )

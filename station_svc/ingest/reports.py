"""What stations report beside boots, statuses and transactions: a table of kinds, each with its own handler."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import grpc
from sqlalchemy import Connection

from mesh.errors import MeshError
from station_svc.core.lock_store import lock_stations, removed
from station_svc.core.rows import Frame
from station_svc.features.diagnostics import uploads as log_uploads
from station_svc.features.firmware import updates as firmware
from station_svc.features.reservations import rules as reservations
from station_svc.features.security_events import recording as security_events
from station_svc.features.smart_charging import rules as charging_profiles

Handler = Callable[[Connection, Sequence[tuple[Frame, Any]]], None]
"""`handler(connection, reports)` records reports of one kind, a part of the transaction of a batch.

They come in the order of their stations, and of the frames of each; the stations exist and are locked. Frames may come
again, and late: whatever is done must be the same for the same (epoch, ordinal). What it raises fails those reports
alone.
"""

HANDLERS: Mapping[str, Handler] = {  # by field of csms.station.v1.ReportItem.report
    "firmware_status": firmware.record,
    "log_status": log_uploads.record,
    "security_event": security_events.record,
    "reservation_use": reservations.record_uses,
    "transaction_end": charging_profiles.record_transaction_ends,
}


@dataclass(frozen=True, kw_only=True)
class Report:
    """A report: where it came from, what kind it is, and the message of that kind."""

    frame: Frame
    kind: str
    content: Any


def record_reports(db: Connection, reports: Sequence[Report]) -> list[MeshError | None]:
    """Records reports; for each, why it was not, in their order. The work of one transaction."""
    stations = lock_stations(db, {report.frame.station for report in reports})
    refusals = [_refusal(report, report.frame.station in stations) for report in reports]
    welcome = [report for report, refusal in zip(reports, refusals, strict=True) if refusal is None]
    welcome.sort(key=lambda report: (report.frame.station, report.frame.version))
    for kind, handle in HANDLERS.items():
        if ours := list(_of_kind(welcome, kind)):
            handle(db, ours)
    return refusals


def _of_kind(reports: Iterable[Report], kind: str) -> Iterable[tuple[Frame, Any]]:
    return ((report.frame, report.content) for report in reports if report.kind == kind)


def _refusal(report: Report, is_known: bool) -> MeshError | None:
    if report.kind not in HANDLERS:
        return MeshError(grpc.StatusCode.INVALID_ARGUMENT, "UNKNOWN_REPORT", "a report of this kind is not known here")
    return None if is_known else removed(report.frame)

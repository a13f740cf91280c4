"""Reports of stations beside boots, statuses and transactions: features register a handler for each kind."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import grpc
from sqlalchemy import Connection

from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError
from station_svc.core.lock_store import lock_stations, removed
from station_svc.core.rows import Frame
from station_svc.feature import ReportHandler


@dataclass(frozen=True, kw_only=True)
class Report:
    """A report: where it came from, what kind it is, and the message of that kind."""

    frame: Frame
    kind: str
    content: Any


def record_reports(
    connection: Connection, reports: Sequence[Report], handlers: Mapping[str, ReportHandler]
) -> list[MeshError | None]:
    """Records reports; for each, why it was not, in their order. The work of one transaction."""
    stations = lock_stations(connection, {report.frame.station for report in reports})
    refusals = [
        _refusal(report, is_known=report.frame.station in stations, has_handler=report.kind in handlers)
        for report in reports
    ]
    welcome = [report for report, refusal in zip(reports, refusals, strict=True) if refusal is None]
    welcome.sort(key=lambda report: (report.frame.station, report.frame.version))
    for kind, handle in handlers.items():
        if ours := list(_of_kind(welcome, kind)):
            handle(connection, ours)
    return refusals


def _of_kind(reports: Iterable[Report], kind: str) -> Iterable[tuple[Frame, Any]]:
    return ((report.frame, report.content) for report in reports if report.kind == kind)


def _refusal(report: Report, *, is_known: bool, has_handler: bool) -> MeshError | None:
    if not has_handler:
        return MeshError(
            grpc.StatusCode.INVALID_ARGUMENT, Reason.UNKNOWN_REPORT, "a report of this kind is not known here"
        )
    return None if is_known else removed(report.frame)

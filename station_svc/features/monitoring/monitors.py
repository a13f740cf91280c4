"""The monitors that stations have follow what is sent to them, what they answer and what they report."""

from collections.abc import Sequence
from typing import Any

from csms.station.v1 import device_model_pb2
from csms.station.v1 import monitoring_pb2 as pb
from google.protobuf.message import Message
from sqlalchemy import Connection

from mesh.runtime.errors import MeshError
from station_svc.commands.hooks import CommandHooks
from station_svc.commands.rows import NewCommand
from station_svc.core.rows import Frame
from station_svc.features.monitoring import monitor_store
from station_svc.features.monitoring.rows import MonitorRow
from station_svc.partial_reports import recording
from station_svc.partial_reports.recording import RequestReport
from station_svc.partial_reports.rows import EMPTY, REFUSED, REQUESTED, Part, PartialReportRow

REPORT = "monitoring"
_GONE = frozenset({pb.CLEAR_MONITORING_STATUS_ACCEPTED, pb.CLEAR_MONITORING_STATUS_NOT_FOUND})
_STATES = {
    device_model_pb2.DEVICE_MODEL_STATUS_ACCEPTED: REQUESTED,
    device_model_pb2.DEVICE_MODEL_STATUS_EMPTY_RESULT_SET: EMPTY,
}


class WithinLimits(CommandHooks):
    """A command with a list, which is sent within the station's limits where those are known here."""

    def __init__(self, sent: Any, action: str) -> None:
        self._sent = sent
        self._action = action

    def on_begin(self, connection: Connection, new: NewCommand, now_us: int) -> None:
        """In place: what is sent is read after this."""
        limits = monitor_store.find_limits(
            connection, tenant_id=new.tenant_id, station_id=new.station_id, action=self._action
        )
        self._sent.items_per_message = self._sent.items_per_message or limits.get("itemspermessage", 0)
        self._sent.bytes_per_message = self._sent.bytes_per_message or limits.get("bytespermessage", 0)


class SetMonitors(WithinLimits):
    """Monitors that are set: those that the station accepted are known here from then on."""

    def on_outcome(self, connection: Connection, new: NewCommand, outcome: Message | MeshError, now_us: int) -> None:
        """Nothing where the station gave no number."""
        if not isinstance(outcome, pb.SetVariableMonitoringResponse):
            return
        rows = [
            to_row(new.tenant_id, new.station_id, result.monitor, now_us, is_custom=1)
            for result in outcome.results
            if result.status == pb.SET_MONITORING_STATUS_ACCEPTED and result.monitor.HasField("monitor_id")
        ]
        monitor_store.save(connection, rows)


class ClearMonitors(WithinLimits):
    """Monitors that are cleared: those that the station does not have any more are removed."""

    def on_outcome(self, connection: Connection, new: NewCommand, outcome: Message | MeshError, now_us: int) -> None:
        """By the result of each."""
        if isinstance(outcome, pb.ClearVariableMonitoringResponse):
            gone = [result.monitor_id for result in outcome.results if result.status in _GONE]
            monitor_store.remove(connection, tenant_id=new.tenant_id, station_id=new.station_id, monitor_ids=gone)


class SetBase(CommandHooks):
    """A set of monitors that is activated: but for ALL, those that were set from here are gone (N03.FR.04, .05)."""

    def __init__(self, base: pb.MonitoringBase.ValueType) -> None:
        self._base = base

    def on_outcome(self, connection: Connection, new: NewCommand, outcome: Message | MeshError, now_us: int) -> None:
        """Where the station accepted."""
        taken = (
            isinstance(outcome, pb.SetMonitoringBaseResponse)
            and outcome.status == device_model_pb2.DEVICE_MODEL_STATUS_ACCEPTED
        )
        if taken and self._base != pb.MONITORING_BASE_ALL:
            monitor_store.remove_custom(connection, tenant_id=new.tenant_id, station_id=new.station_id)


class RequestMonitors(RequestReport):
    """A report of monitors that is requested."""

    def __init__(self, sent: pb.GetMonitoringReportRequest) -> None:
        is_whole = not sent.criteria and not sent.variables
        super().__init__(kind=REPORT, sent=sent, is_whole=is_whole, state_of=_state_of)

    def on_nothing(self, connection: Connection, report: PartialReportRow) -> None:
        """The station has no monitors at all."""
        if report.is_whole:
            _remove_others(connection, report)


def _state_of(answer: pb.GetMonitoringReportResponse) -> int:
    return _STATES.get(answer.status, REFUSED)


def record(connection: Connection, reports: Sequence[tuple[Frame, pb.MonitoringReportPart]]) -> None:
    """Takes parts of reports. See station_svc.feature.ReportHandler.

    A report of all monitors that is complete removes those that it does not have, but for those that were set since it
    was requested.
    """
    parts = [
        (
            frame,
            Part(report_id=part.report_id, number=part.seq_no, to_be_continued=part.to_be_continued),
            part,
        )
        for frame, part in reports
    ]
    for arrival in recording.record_parts(connection, REPORT, parts):
        frame = arrival.frame
        rows = [
            to_row(frame.tenant_id, frame.station_id, monitor, frame.receive_us, report_id=arrival.report.report_id)
            for monitor in arrival.content.monitors
        ]
        monitor_store.save(connection, rows)
        if arrival.completes and arrival.report.is_whole:
            _remove_others(connection, arrival.report)


def _remove_others(connection: Connection, report: PartialReportRow) -> None:
    monitor_store.remove_unreported(
        connection,
        tenant_id=report.tenant_id,
        station_id=report.station_id,
        report_id=report.report_id,
        before_us=report.create_us,
    )


def to_row(
    tenant_id: str,
    station_id: str,
    monitor: pb.Monitor,
    now_us: int,
    *,
    is_custom: int = 0,
    report_id: int | None = None,
) -> MonitorRow:
    """A monitor as a row."""
    variable = monitor.variable
    return MonitorRow(
        tenant_id=tenant_id,
        station_id=station_id,
        monitor_id=monitor.monitor_id,
        component=variable.component,
        component_instance=variable.component_instance,
        evse_id=variable.evse.evse_id,
        connector_id=variable.evse.connector_id,
        variable=variable.variable,
        variable_instance=variable.variable_instance,
        type=monitor.type,
        value=monitor.value,
        severity=monitor.severity,
        is_transaction=int(monitor.transaction),
        is_custom=is_custom,
        report_id=report_id,
        update_us=now_us,
    )

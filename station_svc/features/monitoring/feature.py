"""Registers monitors, alarms and event reports with the service."""

from functools import partial

from csms.station.v1 import monitoring_pb2 as pb
from csms.station.v1.monitoring_service_pb2_grpc import add_MonitoringServiceServicer_to_server

from mesh.driver_tables import DriverTable, emptied, reworded
from mesh.grpc.types import Context
from mesh.runtime.errors import invalid_field
from station_svc.commands.hooks import CommandHooks
from station_svc.core.storage import Retention, Storage, aged
from station_svc.feature import Feature, FeatureParts, Resources, as_it_is
from station_svc.features.monitoring import alarm_store, alarms, monitors
from station_svc.features.monitoring.models import alarm, event_budget, event_report, monitor
from station_svc.features.monitoring.servicer import MonitoringServicer


def _build(resources: Resources) -> FeatureParts:
    servicer = MonitoringServicer(database=resources.database, clock=resources.clock)
    return FeatureParts(
        operator=[partial(add_MonitoringServiceServicer_to_server, servicer)],
        commands={
            "SetVariableMonitoring": _set_monitors,
            "ClearVariableMonitoring": _clear_monitors,
            "SetMonitoringLevel": as_it_is,
            "SetMonitoringBase": _set_base,
            "GetMonitoringReport": _get_report,
        },
    )


async def _set_monitors(sent: pb.SetVariableMonitoringRequest, _context: Context | None) -> CommandHooks:
    _check_limits(sent)
    return monitors.SetMonitors(sent, "SetVariableMonitoring")


async def _clear_monitors(sent: pb.ClearVariableMonitoringRequest, _context: Context | None) -> CommandHooks:
    _check_limits(sent)
    return monitors.ClearMonitors(sent, "ClearVariableMonitoring")


def _check_limits(sent: pb.SetVariableMonitoringRequest | pb.ClearVariableMonitoringRequest) -> None:
    for name in ("items_per_message", "bytes_per_message"):
        if getattr(sent, name) < 0:
            raise invalid_field(name, "must not be below 0")


async def _set_base(sent: pb.SetMonitoringBaseRequest, _context: Context | None) -> CommandHooks:
    return monitors.SetBase(sent.monitoring_base)


async def _get_report(sent: pb.GetMonitoringReportRequest, _context: Context | None) -> CommandHooks:
    return monitors.RequestMonitors(sent)


FEATURE = Feature(
    storage=Storage(
        present=[monitor, alarm, event_budget],
        history=[event_report],
        retention=[
            Retention(name="ALARM", days=365, removals=[alarm_store.remove_old]),
            Retention(name="EVENT_REPORT", days=14, removals=[aged(event_report.c.receive_us)]),
        ],
        drivers=[
            DriverTable(table=alarm, decide=reworded("value", "tech_info")),
            DriverTable(table=event_report, decide=emptied("content")),
        ],
    ),
    reports={"monitoring_report": monitors.record, "event_report": alarms.record},
    build=_build,
)

"""MonitoringService: monitors, alarms and events as operators read them, between protobuf and rows."""

from functools import partial

from csms.common.v1.evse_pb2 import EvseRef
from csms.station.v1 import alarm_pb2, monitoring_pb2, station_pb2
from csms.station.v1 import monitoring_service_pb2 as pb
from csms.station.v1.monitoring_service_pb2_grpc import MonitoringServiceServicer
from google.protobuf import json_format

from mesh.database import pages
from mesh.database.engine import Database
from mesh.database.filters import choice, to_condition
from mesh.grpc.types import Context
from mesh.identity.callers import current_caller, current_scope
from mesh.placements.conditions import both
from mesh.runtime.times import Clock, to_timestamp
from station_svc.core.lists import FRAME_KEY, page_of, storable
from station_svc.features.monitoring import alarm_store, monitor_store
from station_svc.features.monitoring.monitors import REPORT
from station_svc.features.monitoring.rows import AlarmRow, EventReportRow, MonitorRow, VariableName
from station_svc.partial_reports import store as report_store
from station_svc.partial_reports.recording import to_message

_TYPE = choice(dict(monitoring_pb2.MonitorType.items()), "MONITOR_TYPE_")
_STATE = choice(dict(alarm_pb2.AlarmState.items()), "ALARM_STATE_")


class MonitoringServicer(MonitoringServiceServicer):
    """Serves operators."""

    def __init__(self, *, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def ListMonitors(self, request: pb.ListMonitorsRequest, context: Context) -> pb.ListMonitorsResponse:
        """Lists the monitors of a station, by number."""
        del context
        page = page_of(request, (int,), condition=to_condition(request.filter, monitor_store.filters(_TYPE)))
        read = partial(
            monitor_store.list_monitors,
            tenant_id=current_caller().tenant_id,
            station_id=storable(request.station_id),
            page=page,
        )
        rows, token = page.cut(await self._database.read(read), lambda row: (row.monitor_id,))
        return pb.ListMonitorsResponse(monitors=map(_to_monitor, rows), next_page_token=token)

    async def ListMonitoringReports(
        self, request: pb.ListMonitoringReportsRequest, context: Context
    ) -> pb.ListMonitoringReportsResponse:
        """Lists the reports of monitors of a station, the latest number first."""
        del context
        page = page_of(request, (int,))
        read = partial(
            report_store.list_reports,
            tenant_id=current_caller().tenant_id,
            station_id=storable(request.station_id),
            kind=REPORT,
            page=page,
        )
        rows, token = page.cut(await self._database.read(read), lambda row: (row.report_id,))
        now_us = self._clock()
        return pb.ListMonitoringReportsResponse(
            monitoring_reports=[to_message(row, now_us) for row in rows], next_page_token=token
        )

    async def ListAlarms(self, request: pb.ListAlarmsRequest, context: Context) -> pb.ListAlarmsResponse:
        """Lists the alarms of all stations within the caller's scope, newest first."""
        del context
        tenant_id = current_caller().tenant_id
        wanted = to_condition(request.filter, alarm_store.filters(tenant_id, _STATE))
        condition = both(wanted, alarm_store.conditions(tenant_id).in_scope(current_scope()))
        page = pages.page_of(request, (int, str, str), binding=request.filter, condition=condition)
        read = partial(alarm_store.list_alarms, tenant_id=tenant_id, page=page)
        rows, token = page.cut(await self._database.read(read), lambda row: (row.open_us, row.station_id, row.alarm_id))
        return pb.ListAlarmsResponse(alarms=map(_to_alarm, rows), next_page_token=token)

    async def ListEventReports(
        self, request: pb.ListEventReportsRequest, context: Context
    ) -> pb.ListEventReportsResponse:
        """Lists what the monitors of a station reported, newest first."""
        del context
        page = page_of(request, FRAME_KEY, condition=to_condition(request.filter, alarm_store.report_filters()))
        read = partial(
            alarm_store.list_reports,
            tenant_id=current_caller().tenant_id,
            station_id=storable(request.station_id),
            page=page,
        )
        rows, token = page.cut(
            await self._database.read(read), lambda row: row.frame.version, text=lambda row: row.content
        )
        return pb.ListEventReportsResponse(event_reports=map(_to_report, rows), next_page_token=token)


def _to_variable(row: VariableName, value: str = "") -> station_pb2.Variable:
    is_placed = row.evse_id or row.connector_id
    return station_pb2.Variable(
        component=row.component,
        component_instance=row.component_instance,
        evse=EvseRef(evse_id=row.evse_id, connector_id=row.connector_id) if is_placed else None,
        variable=row.variable,
        variable_instance=row.variable_instance,
        value=value,
    )


def _to_monitor(row: MonitorRow) -> monitoring_pb2.Monitor:
    return monitoring_pb2.Monitor(
        station_id=row.station_id,
        monitor_id=row.monitor_id,
        variable=_to_variable(row),
        type=monitoring_pb2.MonitorType.ValueType(row.type),
        value=row.value,
        severity=row.severity,
        transaction=bool(row.is_transaction),
        update_time=to_timestamp(row.update_us),
    )


def _to_alarm(row: AlarmRow) -> alarm_pb2.Alarm:
    return alarm_pb2.Alarm(
        station_id=row.station_id,
        alarm_id=row.alarm_id,
        state=alarm_pb2.AlarmState.ValueType(row.state),
        variable=_to_variable(row, row.value),
        monitor_id=row.monitor_id,
        severity=row.severity,
        notification_type=alarm_pb2.EventNotificationType.ValueType(row.notification_type),
        tech_code=row.tech_code,
        tech_info=row.tech_info,
        transaction_id=row.transaction_id,
        event_id=row.event_id,
        cause_event_id=row.cause_event_id,
        count=row.count,
        open_time=to_timestamp(row.open_us),
        close_time=None if row.close_us is None else to_timestamp(row.close_us),
        update_time=to_timestamp(row.update_us),
    )


def _to_report(row: EventReportRow) -> alarm_pb2.EventReport:
    # The content is empty where it named a driver that was erased; fields that a newer build stored are left out.
    report = json_format.Parse(row.content or "{}", alarm_pb2.EventReport(), ignore_unknown_fields=True)
    report.station_id = row.frame.station_id
    report.dropped_entries = row.dropped
    report.receive_time.CopyFrom(to_timestamp(row.frame.receive_us))
    return report

"""DeviceModelService: reports of variables, changes and network profiles, between protobuf and rows."""

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from csms.station.v1 import device_model_pb2, device_model_service_pb2, network_profile_pb2, station_pb2
from csms.station.v1.device_model_service_pb2_grpc import DeviceModelServiceServicer
from google.protobuf import json_format

from mesh.database import pages
from mesh.database.engine import Database
from mesh.database.filters import to_condition
from mesh.database.pages import Page
from mesh.grpc.types import Context
from mesh.identity.callers import current_caller, current_scope
from mesh.placements.conditions import both
from mesh.runtime.times import to_timestamp
from station_svc.core.lists import page_of, storable
from station_svc.features.device_model import profile_store, report_store, variable_store
from station_svc.features.device_model.reports import doubled_parts, missing_parts
from station_svc.features.device_model.rows import ChangeRow, ProfileRow, ReportRow
from station_svc.features.device_model.variables import to_name, to_variable

T = TypeVar("T")

_STATES = device_model_pb2.VariableReportState
_BASES = device_model_pb2.ReportBase
_DRIFT_KEY = (str, str, str, str, int, int, str, str)
_CHANGE_KEY = (int, str, str, str, int, int, str, str)


class DeviceModelServicer(DeviceModelServiceServicer):
    """Serves operators."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    async def GetVariableReport(
        self, request: device_model_service_pb2.GetVariableReportRequest, context: Context
    ) -> device_model_service_pb2.GetVariableReportResponse:
        """Returns one report, with the parts that are missing."""
        del context
        read = partial(
            report_store.get,
            tenant_id=current_caller().tenant_id,
            station_id=storable(request.station_id),
            variable_report_id=request.variable_report_id,
        )
        row, counts = await self._database.read(read)
        report = _to_report(row)
        report.missing_parts.extend(missing_parts(counts, row.last_part))
        report.doubled_parts.extend(doubled_parts(counts))
        return device_model_service_pb2.GetVariableReportResponse(variable_report=report)

    async def ListVariableReports(
        self, request: device_model_service_pb2.ListVariableReportsRequest, context: Context
    ) -> device_model_service_pb2.ListVariableReportsResponse:
        """Lists the reports of a station, newest first."""
        del context
        condition = to_condition(request.filter, report_store.filters(dict(_STATES.items()), dict(_BASES.items())))
        page = page_of(request, (int, int), condition=condition)
        rows = await self._list(report_store.list_reports, request.station_id, page)
        rows, token = page.cut(rows, lambda row: (row.create_us, row.variable_report_id))
        return device_model_service_pb2.ListVariableReportsResponse(
            variable_reports=map(_to_report, rows), next_page_token=token
        )

    async def ListVariableChanges(
        self, request: device_model_service_pb2.ListVariableChangesRequest, context: Context
    ) -> device_model_service_pb2.ListVariableChangesResponse:
        """Lists the changes of a station's variables, newest first."""
        del context
        condition = to_condition(request.filter, variable_store.change_filters())
        page = page_of(request, _CHANGE_KEY, condition=condition)
        rows = await self._list(variable_store.list_changes, request.station_id, page)
        rows, token = page.cut(rows, lambda row: row.key, text=lambda row: row.former_value + row.value)
        return device_model_service_pb2.ListVariableChangesResponse(
            variable_changes=map(_to_change, rows), next_page_token=token
        )

    async def ListVariableDrifts(
        self, request: device_model_service_pb2.ListVariableDriftsRequest, context: Context
    ) -> device_model_service_pb2.ListVariableDriftsResponse:
        """Lists the variables of all stations within the caller's scope that have drifted."""
        del context
        tenant_id = current_caller().tenant_id
        wanted = to_condition(request.filter, variable_store.drift_filters(tenant_id))
        condition = both(wanted, variable_store.conditions(tenant_id).in_scope(current_scope()))
        page = pages.page_of(request, _DRIFT_KEY, binding=request.filter, condition=condition)
        read = partial(variable_store.list_drifts, tenant_id=tenant_id, page=page)
        rows, token = page.cut(await self._database.read(read), lambda row: (row[0], *row[1].key))
        drifts = [
            device_model_pb2.VariableDrift(station_id=station_id, variable=to_variable(row)) for station_id, row in rows
        ]
        return device_model_service_pb2.ListVariableDriftsResponse(variable_drifts=drifts, next_page_token=token)

    async def ListNetworkProfiles(
        self, request: device_model_service_pb2.ListNetworkProfilesRequest, context: Context
    ) -> device_model_service_pb2.ListNetworkProfilesResponse:
        """Lists the network profiles that were set at a station, by their slots."""
        del context
        page = page_of(request, (int,))
        rows = await self._list(profile_store.list_profiles, request.station_id, page)
        rows, token = page.cut(rows, lambda row: (row.configuration_slot,))
        return device_model_service_pb2.ListNetworkProfilesResponse(
            network_profiles=map(_to_profile, rows), next_page_token=token
        )

    async def _list(self, read: Callable[..., T], station_id: str, page: Page) -> T:
        tenant_id = current_caller().tenant_id
        return await self._database.read(partial(read, tenant_id=tenant_id, station_id=storable(station_id), page=page))


def _to_report(row: ReportRow) -> device_model_pb2.VariableReport:
    return device_model_pb2.VariableReport(
        station_id=row.station_id,
        variable_report_id=row.variable_report_id,
        report_base=_BASES.ValueType(row.report_base),
        state=_STATES.ValueType(row.state),
        status=device_model_pb2.DeviceModelStatus.ValueType(row.status),
        received_parts=row.received_parts,
        last_part=row.last_part,
        attribute_count=row.attribute_count,
        skipped_count=row.skipped_count,
        generate_time=None if row.generate_us is None else to_timestamp(row.generate_us),
        create_time=to_timestamp(row.create_us),
        update_time=to_timestamp(row.update_us),
    )


def _to_change(row: ChangeRow) -> device_model_pb2.VariableChange:
    variable: station_pb2.Variable = to_name(row)
    variable.value = row.value
    return device_model_pb2.VariableChange(
        variable=variable, former_value=row.former_value, change_time=to_timestamp(row.change_us)
    )


def _to_profile(row: ProfileRow) -> network_profile_pb2.NetworkProfile:
    # Fields of a later release are left out.
    stored = json_format.Parse(row.profile, network_profile_pb2.NetworkConnectionProfile(), ignore_unknown_fields=True)
    return network_profile_pb2.NetworkProfile(
        station_id=row.station_id,
        configuration_slot=row.configuration_slot,
        connection_data=stored,
        status=network_profile_pb2.SetNetworkProfileStatus.ValueType(row.status),
        username=row.username,
        update_time=to_timestamp(row.update_us),
    )

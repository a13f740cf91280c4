"""EnergyService: energy and sessions of connectors over time, for operators."""

from functools import partial
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from csms.transaction.v1 import energy_service_pb2_grpc
from csms.transaction.v1.energy_service_pb2 import (
    EnergyRollup,
    ListEnergyRollupsRequest,
    ListEnergyRollupsResponse,
    RollupGranularity,
    RollupGroup,
)
from google.protobuf.timestamp_pb2 import Timestamp
from sqlalchemy import ColumnElement

from mesh.contract.texts import is_storable
from mesh.database.engine import Database
from mesh.database.filters import to_condition
from mesh.database.pages import encode_token, page_of
from mesh.grpc.types import Context
from mesh.identity.callers import current_caller, current_scope
from mesh.placements.conditions import both
from mesh.runtime.errors import invalid_field
from mesh.runtime.times import DAY_US, to_timestamp
from transaction_svc import rollup_reading_store as store
from transaction_svc.clocks import read_time
from transaction_svc.models import rollup_connector
from transaction_svc.rollup_form import QUARTER_US
from transaction_svc.rollup_periods import Granularity, find_zone
from transaction_svc.rollup_reports import Group, Line, Report

MOST_DAYS = 3_700
_MOST_PENDING = 1_000
_S_US = 1_000_000
_HOUR_QUARTERS = 4


class EnergyServicer(energy_service_pb2_grpc.EnergyServiceServicer):
    """Reads rollups of the caller's own tenant."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    async def ListEnergyRollups(self, request: ListEnergyRollupsRequest, context: Context) -> ListEnergyRollupsResponse:
        """Lists them by station, EVSE, connector and time."""
        tenant_id = current_caller().tenant_id
        condition = _condition(request)
        zone = await self._find_zone(request, tenant_id, condition)
        report = _to_report(request, tenant_id, condition, zone)
        page = page_of(request, (str, int, int, int), binding=_binding(request, zone))
        lines, last = await report.read(self._database, after=page.after, limit=page.limit - 1)
        counting = partial(store.count_pending, tenant_id=tenant_id, scope=current_scope(), limit=_MOST_PENDING)
        return ListEnergyRollupsResponse(
            energy_rollups=[_to_message(line) for line in lines],
            next_page_token="" if last is None else encode_token(last, binding=page.binding),
            pending_count=await self._database.read(counting),
            time_zone=zone.key,
        )

    async def _find_zone(
        self, request: ListEnergyRollupsRequest, tenant_id: str, condition: ColumnElement[bool] | None
    ) -> ZoneInfo:
        """The zone of the request, else that of the stations if it is the same for all. Raises MeshError."""
        name = request.time_zone
        if not name:
            finding = partial(store.find_time_zones, tenant_id=tenant_id, condition=condition)
            found = await self._database.read(finding)
            name = found[0] if len(found) == 1 else store.UTC
        zone = find_zone(name)
        if zone is None:
            raise invalid_field("time_zone", "must be a name of the IANA time zone database, for example Europe/Berlin")
        return zone


def _binding(request: ListEnergyRollupsRequest, zone: ZoneInfo) -> str:
    """All of a request but its page, and its zone."""
    rest = ListEnergyRollupsRequest()
    rest.CopyFrom(request)
    rest.ClearField("page_size")
    rest.ClearField("page_token")
    rest.time_zone = zone.key
    return rest.SerializeToString(deterministic=True).hex()


def _to_report(
    request: ListEnergyRollupsRequest, tenant_id: str, condition: ColumnElement[bool] | None, zone: ZoneInfo
) -> Report:
    """Reads a request. Raises MeshError INVALID_FIELD."""
    start_us, end_us = _time(request, "start_time"), _time(request, "end_time")
    if not start_us < end_us <= start_us + MOST_DAYS * DAY_US:
        raise invalid_field("end_time", f"must be after start_time, by {MOST_DAYS} days at most")
    if request.granularity not in RollupGranularity.values():
        raise invalid_field("granularity", f"must be one of {', '.join(RollupGranularity.keys())}")
    if request.group not in RollupGroup.values():
        raise invalid_field("group", f"must be one of {', '.join(RollupGroup.keys())}")
    return Report(
        tenant_id=tenant_id,
        condition=condition,
        zone=zone,
        granularity=Granularity(request.granularity or Granularity.HOUR),
        group=Group(request.group or Group.CONNECTOR),
        start_us=start_us,
        end_us=end_us,
    )


def _time(request: ListEnergyRollupsRequest, field: str) -> int:
    time_us = read_time(request, field)
    if time_us is None:
        raise invalid_field(field, "is no time")
    return time_us


def _condition(request: ListEnergyRollupsRequest) -> ColumnElement[bool] | None:
    """The connectors that are selected; None for all of the tenant."""
    tenant_id = current_caller().tenant_id
    stands = store.conditions(tenant_id)
    conditions = [
        to_condition(request.filter, store.filters(tenant_id)),
        stands.in_scope(current_scope()),
    ]
    if request.station_id:
        is_name = is_storable(request.station_id)
        conditions.append(rollup_connector.c.station_id == request.station_id if is_name else sa.false())
    return both(*conditions)


def _to_message(line: Line) -> EnergyRollup:
    amounts = line.amounts
    return EnergyRollup(
        station_id=line.unit.station_id,
        evse_id=line.unit.evse_id,
        connector_id=line.unit.connector_id,
        start_time=_moment(line.period.first),
        end_time=_moment(line.period.end),
        energy_wh=amounts.energy_mwh / 1000,
        flagged_energy_wh=amounts.flagged_mwh / 1000,
        connected_s=amounts.connected_us / _S_US,
        charging_s=amounts.charging_us / _S_US,
        started_count=amounts.started,
        ended_count=amounts.ended,
        peak_power_w=line.peak_mwh * _HOUR_QUARTERS / 1000,
    )


def _moment(quarter: int) -> Timestamp:
    return to_timestamp(quarter * QUARTER_US)

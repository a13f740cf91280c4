"""Numbers of transactions for operators: the open ones, their power, and the energy of the present day."""

from datetime import datetime
from functools import partial
from zoneinfo import ZoneInfo

from csms.transaction.v1.transaction_service_pb2 import GetTransactionSummaryRequest, TransactionSummary

from mesh.database.engine import Database
from mesh.database.filters import to_condition
from mesh.identity.callers import current_caller, current_scope
from mesh.placements.conditions import both
from mesh.runtime.errors import invalid_field
from mesh.runtime.times import Clock, from_datetime, to_datetime, to_timestamp
from transaction_svc import rollup_reading_store, summary_store
from transaction_svc.rollup_form import QUARTER_US
from transaction_svc.rollup_periods import Granularity, find_zone
from transaction_svc.rollup_reports import Group, Report

# A day has 25 hours at the most; hours of some zones are cut by a change of clocks.
_MOST_HOURS = 50


class Summaries:
    """Sums up the transactions of the caller's tenant that its permission covers."""

    def __init__(self, *, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def sum_up(self, request: GetTransactionSummaryRequest) -> TransactionSummary:
        """The numbers. Raises MeshError INVALID_FILTER, INVALID_FIELD."""
        tenant_id, scope, now_us = current_caller().tenant_id, current_scope(), self._clock()
        wanted = to_condition(request.filter, summary_store.filters(tenant_id))
        condition = both(wanted, summary_store.conditions(tenant_id).in_scope(scope))
        counting = partial(summary_store.sum_up, tenant_id=tenant_id, now_us=now_us, condition=condition)
        counted = await self._database.read(counting)
        summary = TransactionSummary(
            active_count=counted.active,
            hanging_count=counted.hanging,
            power_w=counted.power_w,
            power_count=counted.powered,
        )
        await self._add_day(summary, request, now_us)
        return summary

    async def _add_day(self, summary: TransactionSummary, request: GetTransactionSummaryRequest, now_us: int) -> None:
        tenant_id = current_caller().tenant_id
        condition = both(
            to_condition(request.filter, summary_store.rollup_filters(tenant_id)),
            rollup_reading_store.conditions(tenant_id).in_scope(current_scope()),
        )
        name = request.time_zone
        if not name:
            finding = partial(rollup_reading_store.find_time_zones, tenant_id=tenant_id, condition=condition)
            found = await self._database.read(finding)
            name = found[0] if len(found) == 1 else rollup_reading_store.UTC
        zone = find_zone(name)
        if zone is None:
            raise invalid_field("time_zone", "must be a name of the IANA time zone database, for example Europe/Berlin")
        begin_us = _begin_of_day(now_us, zone)
        report = Report(
            tenant_id=tenant_id,
            condition=condition,
            zone=zone,
            granularity=Granularity.HOUR,
            group=Group.TOTAL,
            start_us=begin_us,
            end_us=max(now_us, begin_us + QUARTER_US),
        )
        lines, _last = await report.read(self._database, after=None, limit=_MOST_HOURS)
        for line in lines:
            hour = summary.hours.add(energy_wh=line.amounts.energy_mwh / 1000)
            hour.start_time.CopyFrom(to_timestamp(line.period.first * QUARTER_US))
        summary.energy_wh = sum(hour.energy_wh for hour in summary.hours)
        summary.day_start_time.CopyFrom(to_timestamp(begin_us))
        summary.time_zone = zone.key


def _begin_of_day(now_us: int, zone: ZoneInfo) -> int:
    today = to_datetime(now_us).astimezone(zone)
    midnight = datetime(today.year, today.month, today.day, tzinfo=zone)
    return from_datetime(midnight)

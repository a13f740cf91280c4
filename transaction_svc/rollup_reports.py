"""Rollups by periods of a time zone, a page at a time."""

from collections.abc import Iterable, Sequence
from enum import IntEnum
from functools import partial
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Connection

from mesh.database.engine import Database
from transaction_svc import rollup_reading_store as store
from transaction_svc.rollup_form import NOTHING, QUARTER_US, QUARTERS_A_DAY, Amounts, Cells
from transaction_svc.rollup_periods import Granularity, Period, Periods
from transaction_svc.rollup_reading_store import FIRST, TOTAL, Unit

# Days of connectors that are read in one transaction, and for one page: some tens of milliseconds, and about a second.
_MOST_AT_ONCE = 4_000
_MOST_OF_PAGE = 100_000
_MOST_CONNECTORS = 1_000_000
_DAYS = {Granularity.HOUR: 1 / 24, Granularity.DAY: 1, Granularity.MONTH: 31}

Position = tuple[str, int, int, int]
"""Unit, and the first quarter hour of the period: of the last line of the page before."""


class Group(IntEnum):
    """The connectors that are summed up, numbered as csms.transaction.v1.RollupGroup."""

    CONNECTOR = 1
    STATION = 2
    TOTAL = 3


class Line(NamedTuple):
    """The amounts of a group in a period; `peak_mwh` is the energy of the quarter hour that had the most."""

    unit: Unit
    period: Period
    amounts: Amounts
    peak_mwh: int

    @property
    def position(self) -> Position:
        """Its position in the list."""
        return (*self.unit, self.period.first)


class Report:
    """The rollups of a tenant's connectors, those that fit `condition`, in the periods that begin in a span of time."""

    def __init__(
        self,
        *,
        tenant_id: str,
        condition: ColumnElement[bool] | None,
        zone: ZoneInfo,
        granularity: Granularity,
        group: Group,
        start_us: int,
        end_us: int,
    ) -> None:
        self._tenant_id = tenant_id
        self._condition = condition
        self._periods = Periods(zone, granularity)
        self._period_days = _DAYS[granularity]
        self._group = group
        start = -(-start_us // QUARTER_US)
        around = self._periods.period_of(start)
        self._first = start if around.first == start else around.end
        self._end = max(self._periods.period_of(-(-end_us // QUARTER_US) - 1).end, self._first)

    async def read(
        self, database: Database, *, after: Position | None, limit: int
    ) -> tuple[Sequence[Line], Position | None]:
        """Up to `limit` lines, and the position of the last one, or None where there is nothing after them."""
        if self._first >= self._end:
            return [], None
        lines, last = await (self._totals if self._group is Group.TOTAL else self._groups)(database, after, limit)
        if len(lines) > limit:
            return lines[:limit], lines[limit - 1].position
        return lines, last

    async def _totals(
        self, database: Database, after: Position | None, limit: int
    ) -> tuple[list[Line], Position | None]:
        units: Sequence[Unit] = [TOTAL]
        if self._condition is not None:
            listing = partial(
                store.list_connectors,
                tenant_id=self._tenant_id,
                condition=self._condition,
                since=FIRST,
                limit=_MOST_CONNECTORS,
            )
            units = await database.read(listing)
        first = self._first if after is None else self._periods.period_of(after[3]).end
        lines: list[Line] = []
        most_days = max(_MOST_OF_PAGE // max(len(units), 1), 1)
        while first < self._end and len(lines) <= limit and most_days > 0:
            days = min(int((limit + 1) * self._period_days) + 1, most_days)
            end = min(self._periods.period_of(first + days * QUARTERS_A_DAY - 1).end, self._end)
            lines += await self._lines_of(database, units, Period(first, end))
            first, most_days = end, most_days - days
        return lines, None if first >= self._end else (*TOTAL, first - 1)

    async def _lines_of(self, database: Database, units: Sequence[Unit], span: Period) -> Sequence[Line]:
        """The sums of many connectors, read a part at a time."""
        size = max(_MOST_AT_ONCE * QUARTERS_A_DAY // (span.end - span.first), 1)
        sums: Cells = {}
        for at in range(0, len(units), size):
            await database.read(partial(self._add_cells, units=units[at : at + size], span=span, sums=sums))
        return self._to_lines({TOTAL: sums})

    async def _groups(
        self, database: Database, after: Position | None, limit: int
    ) -> tuple[list[Line], Position | None]:
        since = FIRST
        if after is not None:
            since = Unit(*after[:3]) if after[3] < self._end else _next(Unit(*after[:3]))
        days = (self._end - self._first) // QUARTERS_A_DAY + 2
        size = max(min(_MOST_AT_ONCE // days, limit), 1)
        lines: list[Line] = []
        read = 0
        while read < _MOST_OF_PAGE:
            units, found = await database.read(partial(self._read_groups, since=since, size=size))
            if not units:
                return lines, None
            lines += [line for line in found if after is None or line.position > after]
            if len(lines) > limit:
                return lines, None
            read += len(units) * days
            since = _next(units[-1])
        return lines, (*units[-1], self._end)

    def _read_groups(self, connection: Connection, *, since: Unit, size: int) -> tuple[Sequence[Unit], Sequence[Line]]:
        units = store.list_connectors(connection, self._tenant_id, condition=self._condition, since=since, limit=size)
        groups: dict[Unit, Cells] = {self._unit_of(unit): {} for unit in units}
        span = Period(self._first, self._end)
        for unit, cells in self._read_cells(connection, units, span):
            _add(groups[self._unit_of(unit)], cells, span)
        return units, self._to_lines(groups)

    def _add_cells(self, connection: Connection, *, units: Sequence[Unit], span: Period, sums: Cells) -> None:
        for _unit, cells in self._read_cells(connection, units, span):
            _add(sums, cells, span)

    def _read_cells(self, connection: Connection, units: Iterable[Unit], span: Period) -> Sequence[tuple[Unit, Cells]]:
        first_day, last_day = span.first // QUARTERS_A_DAY, (span.end - 1) // QUARTERS_A_DAY
        return store.read_cells(connection, self._tenant_id, units, first_day=first_day, last_day=last_day)

    def _unit_of(self, unit: Unit) -> Unit:
        return unit if self._group is Group.CONNECTOR else Unit(unit.station_id, 0, 0)

    def _to_lines(self, groups: dict[Unit, Cells]) -> list[Line]:
        """The lines of groups, in the order of lists."""
        lines: list[Line] = []
        for unit, cells in sorted(groups.items()):
            found: dict[Period, tuple[Amounts, int]] = {}
            for quarter, amounts in sorted(cells.items()):
                period = self._periods.period_of(quarter)
                total, peak_mwh = found.get(period, (NOTHING, 0))
                found[period] = total.plus(amounts), max(peak_mwh, amounts.energy_mwh)
            lines += [Line(unit, period, *amounts) for period, amounts in found.items()]
        return lines


def _next(unit: Unit) -> Unit:
    return unit._replace(connector_id=unit.connector_id + 1)


def _add(sums: Cells, cells: Cells, span: Period) -> None:
    """Adds the quarter hours of a span."""
    for quarter, amounts in cells.items():
        if span.first <= quarter < span.end:
            known = sums.get(quarter)
            sums[quarter] = amounts if known is None else known.plus(amounts)

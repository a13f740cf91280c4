"""The conditions of one service's database, found by one query for each kind.

A query selects the rows of a tenant with the columns `station_id`, `first`, `second`, `third`, `fourth` (the key of its
ConditionName), `begin_us`, `last_us`, `times`, and what `describe` reads beside them. Order, pages, scopes and filters
are added around it, so that the database may use them from within.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from csms.condition.v1 import condition_pb2 as pb
from sqlalchemy import ColumnElement, Connection

from mesh.conditions.kinds import KINDS
from mesh.conditions.names import ConditionName, Position
from mesh.database.filters import Field, to_condition
from mesh.identity.callers import Scope
from mesh.placements.conditions import StationConditions, both
from mesh.placements.tables import PlacementTables
from mesh.runtime.times import to_timestamp

_KEY = ("first", "second", "third", "fourth")
NO_TEXT: ColumnElement[str] = sa.literal_column("''", sa.Text)
NO_NUMBER: ColumnElement[int] = sa.literal_column("0", sa.Integer)
ONCE: ColumnElement[int] = sa.literal_column("1", sa.Integer)


@dataclass(frozen=True, kw_only=True)
class KindQuery:
    """The query for the conditions of a tenant at a moment, `query(tenant_id, now_us)`, and what a row says.

    `describe(row)` makes the condition, whose name, times and count are filled in here.
    """

    query: Callable[[str, int], sa.Select[Any]]
    describe: Callable[[sa.Row[Any]], pb.Condition]


def key_columns(
    station_id: ColumnElement[str],
    first: ColumnElement[str],
    second: ColumnElement[str] = NO_TEXT,
    third: ColumnElement[int] = NO_NUMBER,
    fourth: ColumnElement[int] = NO_NUMBER,
) -> Sequence[ColumnElement[Any]]:
    """The columns of the station and the name, for a query."""
    columns: Sequence[ColumnElement[Any]] = (first, second, third, fourth)
    named = [column.label(name) for name, column in zip(_KEY, columns, strict=True)]
    return [station_id.label("station_id"), *named]


def time_columns(
    begin_us: ColumnElement[Any], last_us: ColumnElement[Any], times: ColumnElement[Any] = ONCE
) -> Sequence[ColumnElement[Any]]:
    """The columns of begin, last time and count, for a query."""
    return [begin_us.label("begin_us"), last_us.label("last_us"), times.label("times")]


@dataclass(frozen=True, kw_only=True)
class Search:
    """The conditions that are looked for: kinds, each with the part of the tenant that the caller may see."""

    tenant_id: str
    now_us: int
    kinds: Mapping[pb.ConditionKind.ValueType, Scope]
    station_id: str = ""
    filter: str = ""
    names: Sequence[ConditionName] | None = None  # only these
    after: Position | None = None
    limit: int = 0


@dataclass(frozen=True, kw_only=True)
class ConditionQueries:
    """The queries of one service. `tables` has where stations stand; None where it does not know."""

    kinds: Mapping[pb.ConditionKind.ValueType, KindQuery]
    tables: PlacementTables | None = None

    def find(self, connection: Connection, search: Search) -> list[pb.Condition]:
        """Up to `search.limit` conditions, in the order of lists."""
        found: list[tuple[Position, pb.Condition]] = []
        for rank, kinds in self._by_rank(search):
            for kind in kinds:
                if _is_past(search.after, rank):
                    continue
                query = self._query(kind, search, rank).limit(search.limit)
                found += [_to_condition(self.kinds[kind], kind, row) for row in connection.execute(query)]
            if len(found) >= search.limit:
                break
        return [condition for _position, condition in sorted(found, key=lambda pair: pair[0])[: search.limit]]

    def count(self, connection: Connection, search: Search) -> dict[pb.ConditionKind.ValueType, int]:
        """The number of conditions of each kind."""
        counts: dict[pb.ConditionKind.ValueType, int] = {}
        for rank, kinds in self._by_rank(search):
            for kind in kinds:
                query = self._query(kind, search, rank).order_by(None).subquery()
                counts[kind] = connection.execute(sa.select(sa.func.count()).select_from(query)).scalar_one()
        return counts

    def filter_fields(self, tenant_id: str, station_id: ColumnElement[str]) -> Mapping[str, Field]:
        """The fields of a search's filter."""
        return search_fields(self.tables, tenant_id, station_id)

    def _by_rank(self, search: Search) -> Iterator[tuple[int, list[pb.ConditionKind.ValueType]]]:
        """The kinds of a search that are here, the worst first."""
        ranks: dict[int, list[pb.ConditionKind.ValueType]] = {}
        for kind in sorted(search.kinds):
            if kind in self.kinds and (self.tables is not None or search.kinds[kind].is_whole):
                ranks.setdefault(-KINDS[kind].severity, []).append(kind)
        yield from sorted(ranks.items())

    def _query(self, kind: pb.ConditionKind.ValueType, search: Search, rank: int) -> sa.Select[Any]:
        found = self.kinds[kind].query(search.tenant_id, search.now_us).subquery("found")
        columns = [found.c.begin_us, *(found.c[name] for name in _KEY)]
        query = sa.select(found).order_by(*columns)
        conditions = both(self._stations(kind, search, found.c.station_id), _named(kind, search, columns[1:]))
        if conditions is not None:
            query = query.where(conditions)
        if search.after is not None and search.after.rank == rank:
            query = query.where(_is_after(kind, search.after, columns))
        return query

    def _stations(
        self, kind: pb.ConditionKind.ValueType, search: Search, station_id: ColumnElement[str]
    ) -> ColumnElement[bool] | None:
        one = station_id == search.station_id if search.station_id else None
        if self.tables is None:
            return one
        placed = StationConditions(self.tables, tenant_id=search.tenant_id, station_id=station_id)
        wanted = to_condition(search.filter, self.filter_fields(search.tenant_id, station_id))
        return both(one, placed.in_scope(search.kinds[kind]), wanted)


def search_fields(
    tables: PlacementTables | None, tenant_id: str, station_id: ColumnElement[str]
) -> Mapping[str, Field]:
    """The fields that conditions may be filtered by."""
    placed = {} if tables is None else StationConditions(tables, tenant_id=tenant_id, station_id=station_id).fields()
    return {"station_id": Field(station_id), **placed}


def _is_past(after: Position | None, rank: int) -> bool:
    """Whether all conditions of a rank come before a position."""
    return after is not None and rank < after.rank


def _is_after(
    kind: pb.ConditionKind.ValueType, after: Position, columns: Sequence[ColumnElement[Any]]
) -> ColumnElement[bool]:
    """Conditions of a kind after a position of the same severity."""
    begin_us = columns[0]
    if kind > after.name.kind:
        return begin_us >= after.begin_us
    if kind < after.name.kind:
        return begin_us > after.begin_us
    return sa.tuple_(*columns) > sa.tuple_(
        *(
            sa.literal(value, column.type)
            for value, column in zip((after.begin_us, *after.name.key), columns, strict=True)
        )
    )


def _named(
    kind: pb.ConditionKind.ValueType, search: Search, key: Sequence[ColumnElement[Any]]
) -> ColumnElement[bool] | None:
    if search.names is None:
        return None
    keys = sorted({name.key for name in search.names if name.kind == kind})
    if not keys:
        return sa.false()
    # The first part alone is what an index begins with.
    return key[0].in_(sorted({first for first, *_rest in keys})) & sa.tuple_(*key).in_(keys)


def _to_condition(
    query: KindQuery, kind: pb.ConditionKind.ValueType, row: sa.Row[Any]
) -> tuple[Position, pb.Condition]:
    name = ConditionName(int(kind), row.first, row.second, row.third, row.fourth)
    condition = query.describe(row)
    condition.MergeFrom(
        pb.Condition(
            condition_id=name.encode(),
            kind=kind,
            severity=KINDS[kind].severity,
            station_id=row.station_id,
            begin_time=to_timestamp(row.begin_us),
            last_time=to_timestamp(row.last_us),
            count=max(row.times, 1),
        )
    )
    return Position(-KINDS[kind].severity, row.begin_us, name), condition


def remedy(method: str, **request: Any) -> pb.Remedy:
    """A call that may end a condition; `request` are its fields by their JSON names."""
    made = pb.Remedy(method=method)
    made.request.update(request)
    return made

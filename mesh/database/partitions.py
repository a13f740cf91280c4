"""Tables that grow with time, partitioned by day on PostgreSQL: what is old is dropped, not deleted. docs/adr/0022.

A migration makes such a table plain, and `advance` partitions it, one step in a transaction, beside all reads and
writes. An empty table is partitioned at once. One with rows becomes the partition of the past: first a constraint
bounds it, which is validated beside further writes, then it is attached, which takes a moment. Until then, for a day at
least, replicas of the release before can use it too.

A partition has its days' rows, and its own unique index, since a unique index of the whole table would need the time in
it. Times that no partition is for, of clocks that are wrong, are in the table's default partition: no row is refused.
SQLite has no partitions; there rows are deleted.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection, text

from mesh.runtime.times import DAY_US, to_datetime

DAYS_AHEAD = 3
"""Number of days whose partitions are made in advance."""

# A table with rows is bounded this far ahead. It is attached two days later, when the bound is still ahead.
_DAYS_BOUND = 8
_DAYS_TO_ATTACH = 6
_LEAST_DAYS = 2
_BOUND = re.compile(r"FROM \((?:'(-?\d+)'|MINVALUE)\) TO \('(-?\d+)'\)")
# A partition is dropped under an exclusive lock of its table, behind which all reads and writes wait, at most for this
# time. The next turn tries again.
_LOCK_TIMEOUT = text("SET LOCAL lock_timeout = '2s'")
_BEGINNING = -(2**63)


@dataclass(frozen=True, kw_only=True)
class TimePartitions:
    """A table that is partitioned by a column of microseconds. All names are constants of the project.

    `indexes` has the indexes of each partition: the end of its name, and what follows `ON partition`; unique ones begin
    with "UNIQUE".
    """

    table: str
    column: str
    indexes: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Span:
    """A partition and its times: from `since_us` on, to before `until_us`."""

    name: str
    since_us: int
    until_us: int


_CHILDREN = text(
    """
    SELECT child.relname, pg_get_expr(child.relpartbound, child.oid) AS bound
    FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid
    WHERE inhparent = to_regclass(:table)
    """
)


def spans(connection: Connection, table: str) -> Sequence[Span]:
    """The partitions of a table but for the default one, the oldest first; they have no gaps between them.

    Empty where the table is not partitioned. The first may begin at the beginning of time.
    """
    if connection.dialect.name != "postgresql":
        return ()
    found = ((row.relname, _BOUND.search(row.bound)) for row in connection.execute(_CHILDREN, {"table": table}))
    ranges = (Span(name=name, since_us=_since(bound[1]), until_us=int(bound[2])) for name, bound in found if bound)
    return sorted(ranges, key=lambda span: span.since_us)


def _since(digits: str | None) -> int:
    return _BEGINNING if digits is None else int(digits)


def windows(found: Sequence[Span], before_us: int | None) -> Iterator[int]:
    """Times since which to look for the newest rows (before a moment), ever further back, to the oldest partition.

    A list that fills its page from the first ones touches a few partitions, however many there are.
    """
    last = len(found) - 1 - (DAYS_AHEAD if before_us is None else 0)
    if before_us is not None:
        last = next((n for n, span in enumerate(found) if before_us < span.until_us), last)
    reach = 1
    while last - reach > 0:
        yield found[last - reach].since_us
        reach *= 8
    yield found[0].since_us


def newest_rows(
    connection: Connection,
    found: Sequence[Span],
    query: sa.Select[Any],
    key: Sequence[sa.Column[Any]],
    *,
    after: Sequence[Any] | None,
    limit: int,
) -> Sequence[sa.Row[Any]]:
    """Up to `limit` rows of a query by `key`, descending, beyond `after`; `key` begins with the table's time.

    They are read from the newest partitions, and from older ones only where these do not suffice.
    """
    rows: Sequence[sa.Row[Any]] = ()
    for since_us in windows(found, None if after is None else after[0]):
        rows = connection.execute(window_query(found, query, key, after=after, limit=limit, since_us=since_us)).all()
        if len(rows) == limit and rows[-1]._mapping[key[0].name] >= since_us:  # noqa: SLF001 - public, despite its name
            break
    return rows


def window_query(
    found: Sequence[Span],
    query: sa.Select[Any],
    key: Sequence[sa.Column[Any]],
    *,
    after: Sequence[Any] | None,
    limit: int,
    since_us: int,
) -> sa.Select[Any]:
    """The rows of such a query since a moment, and those of times that no partition is for."""
    until_us = found[-1].until_us if after is None else min(found[-1].until_us, after[0] + 1)
    if after is not None:
        query = query.where(sa.tuple_(*key) < sa.tuple_(*map(sa.literal, after)))
    query = query.order_by(*(column.desc() for column in key)).limit(limit)
    within = sa.and_(key[0] >= since_us, key[0] < until_us)
    parts = [query.where(condition).subquery() for condition in (within, is_outside(found, key[0]))]
    rows = sa.union_all(*(sa.select(part) for part in parts)).subquery()
    return sa.select(rows).order_by(*(rows.c[column.name].desc() for column in key)).limit(limit)


def is_outside(found: Sequence[Span], column: sa.Column[int]) -> ColumnElement[bool]:
    """The rows that no partition is for, in the default one."""
    return sa.or_(column < found[0].since_us, column >= found[-1].until_us)


def is_undated(found: Sequence[Span], column: sa.Column[int]) -> ColumnElement[bool]:
    """The rows that do not go when a day's partition is dropped: those of the past and of the default partition."""
    return sa.or_(column < first_day(found), column >= found[-1].until_us)


def first_day(found: Sequence[Span]) -> int:
    """The time from which on there are partitions of days."""
    return found[0].until_us if found[0].since_us == _BEGINNING else found[0].since_us


OnDrop = Callable[[Connection, Span], None]
"""Is called before a partition is dropped, in the same transaction."""


def drop_old(
    connection: Connection, partitions: TimePartitions, *, before_us: int, on_drop: OnDrop | None
) -> str | None:
    """Drops the oldest partition if all of its times are before a moment; returns its name.

    The last one stays, since the next one begins where it ends.
    """
    if not _lead(connection, partitions):
        return None
    found = spans(connection, partitions.table)
    if len(found) < 2 or found[0].until_us > before_us:
        return None
    if on_drop is not None:
        on_drop(connection, found[0])
    _run(connection, f"DROP TABLE {found[0].name}")
    return f"{found[0].name} dropped"


def advance(connection: Connection, partitions: TimePartitions, *, now_us: int) -> str | None:
    """Does the next step towards partitions for some days ahead; returns what it was, None where nothing is to do.

    Does nothing while another replica does a step.
    """
    if not _lead(connection, partitions):
        return None
    if _kind(connection, partitions.table) == "p":
        return _add_partition(connection, partitions, now_us=now_us)
    bound = _past_bound(connection, partitions)
    if bound is not None:
        return _attach_past(connection, partitions, *bound, now_us=now_us)
    today_us = now_us - now_us % DAY_US
    _run(connection, f"LOCK TABLE {partitions.table} IN ACCESS EXCLUSIVE MODE")
    if connection.execute(text(f"SELECT EXISTS (SELECT FROM {partitions.table})")).scalar_one():  # noqa: S608 - the project's own name
        return _bound_past(connection, partitions, bound_us=today_us + _DAYS_BOUND * DAY_US)
    _make_parent(connection, partitions)
    _run(connection, f"DROP TABLE {partitions.table}")
    _run(connection, f"ALTER TABLE {partitions.table}_parent RENAME TO {partitions.table}")
    _attach(connection, partitions, since_us=today_us, until_us=today_us + DAY_US)
    return "partitioned"


def _lead(connection: Connection, partitions: TimePartitions) -> bool:
    """Locks the partitions of a table until the transaction ends; False where another replica has them locked."""
    if connection.dialect.name != "postgresql":
        return False
    connection.execute(_LOCK_TIMEOUT)
    trying = text("SELECT pg_try_advisory_xact_lock(hashtextextended('partitions:' || :table, 0))")
    return bool(connection.execute(trying, {"table": partitions.table}).scalar_one())


def _kind(connection: Connection, table: str) -> str:
    query = text("SELECT CAST(relkind AS text) FROM pg_class WHERE oid = to_regclass(:table)")
    return str(connection.execute(query, {"table": table}).scalar_one())


def _past_bound(connection: Connection, partitions: TimePartitions) -> tuple[str, bool] | None:
    """The constraint that bounds a table with rows, and whether it is validated."""
    query = text(
        """
        SELECT conname, convalidated FROM pg_constraint
        WHERE conrelid = to_regclass(:table) AND conname LIKE :table || '\\_before\\_%'
        """
    )
    row = connection.execute(query, {"table": partitions.table}).first()
    return None if row is None else (row.conname, row.convalidated)


def _bound_past(connection: Connection, partitions: TimePartitions, *, bound_us: int) -> str:
    """Bounds a table with rows. Rows of clocks that are ahead of the bound go where they will be in the end."""
    table, column = partitions.table, partitions.column
    _create(connection, partitions, f"{table}_other")
    body = f"BEGIN INSERT INTO {table}_other SELECT NEW.* ON CONFLICT DO NOTHING; RETURN NULL; END"
    _run(connection, f"CREATE FUNCTION {table}_divert() RETURNS trigger LANGUAGE plpgsql AS $${body}$$")
    _run(
        connection,
        f"CREATE TRIGGER divert BEFORE INSERT ON {table} FOR EACH ROW WHEN (NEW.{column} >= {bound_us})"
        f" EXECUTE FUNCTION {table}_divert()",
    )
    name = f"{table}_before_{bound_us}"
    _run(connection, f"ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({column} < {bound_us}) NOT VALID")
    return f"{name} added"


def _unbound_past(connection: Connection, table: str, relation: str, name: str) -> None:
    _run(connection, f"DROP TRIGGER divert ON {relation}")
    _run(connection, f"DROP FUNCTION {table}_divert()")
    _run(connection, f"ALTER TABLE {relation} DROP CONSTRAINT {name}")


def _attach_past(
    connection: Connection, partitions: TimePartitions, name: str, is_valid: bool, *, now_us: int
) -> str | None:
    table = partitions.table
    bound_us = int(name.rpartition("_")[2])
    if bound_us - now_us < _LEAST_DAYS * DAY_US:  # not run for days: begin again with a later bound
        _unbound_past(connection, table, table, name)
        return f"{name} dropped"
    if not is_valid:
        _run(connection, "SET LOCAL statement_timeout = 0")
        _move(connection, table, f"{table}_other", f"{partitions.column} >= {bound_us}")
        _run(connection, f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}")
        return f"{name} validated"
    if bound_us - now_us > _DAYS_TO_ATTACH * DAY_US:
        return None
    _run(connection, f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
    _make_parent(connection, partitions)
    _run(connection, f"ALTER TABLE {table} RENAME TO {table}_past")
    _run(connection, f"ALTER TABLE {table}_parent RENAME TO {table}")
    _run(connection, f"ALTER TABLE {table} ATTACH PARTITION {table}_past FOR VALUES FROM (MINVALUE) TO ({bound_us})")
    _unbound_past(connection, table, f"{table}_past", name)
    return "partitioned"


def _make_parent(connection: Connection, partitions: TimePartitions) -> None:
    """A partitioned table like the plain one, which has no partition but the default one."""
    table = partitions.table
    like = f"(LIKE {table} INCLUDING DEFAULTS INCLUDING STORAGE)"
    _run(connection, f"CREATE TABLE {table}_parent {like} PARTITION BY RANGE ({partitions.column})")
    _create(connection, partitions, f"{table}_other")
    _run(connection, f"ALTER TABLE {table}_parent ATTACH PARTITION {table}_other DEFAULT")


def _create(connection: Connection, partitions: TimePartitions, name: str) -> None:
    """A table that can become a partition, unless it is there already."""
    if connection.execute(text("SELECT to_regclass(:name)"), {"name": name}).scalar_one() is not None:
        return
    _run(connection, f"CREATE TABLE {name} (LIKE {partitions.table} INCLUDING DEFAULTS INCLUDING STORAGE)")
    for suffix, definition in partitions.indexes.items():
        unique, columns = "UNIQUE" if definition.startswith("UNIQUE") else "", definition.removeprefix("UNIQUE")
        _run(connection, f"CREATE {unique} INDEX {name}_{suffix} ON {name} {columns}")


def _add_partition(connection: Connection, partitions: TimePartitions, *, now_us: int) -> str | None:
    today_us = now_us - now_us % DAY_US
    found = spans(connection, partitions.table)
    since_us = found[-1].until_us if found else today_us
    if since_us > today_us + DAYS_AHEAD * DAY_US:
        return None
    # Days without a partition get one together: so there are no gaps, and few partitions.
    return _attach(connection, partitions, since_us=since_us, until_us=max(since_us, today_us) + DAY_US)


def _attach(connection: Connection, partitions: TimePartitions, *, since_us: int, until_us: int) -> str:
    """Adds a partition, with rows of its times that came before it. Only the default partition is locked."""
    table, column = partitions.table, partitions.column
    name = f"{table}_{to_datetime(since_us):%Y%m%d}"
    _create(connection, partitions, name)
    _run(connection, f"LOCK TABLE {table}_other IN ACCESS EXCLUSIVE MODE")
    _move(connection, f"{table}_other", name, f"{column} >= {since_us} AND {column} < {until_us}")
    _run(connection, f"ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ({since_us}) TO ({until_us})")
    return f"{name} added"


def _move(connection: Connection, source: str, target: str, condition: str) -> None:
    going = f"DELETE FROM {source} WHERE {condition} RETURNING *"  # noqa: S608 - the project's own names
    _run(connection, f"WITH moved AS ({going}) INSERT INTO {target} SELECT * FROM moved")  # noqa: S608


def _run(connection: Connection, statement: str) -> None:
    connection.exec_driver_sql(statement)

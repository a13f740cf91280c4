"""The SQL of acknowledged conditions. Functions run inside a transaction that Database opens around them."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from mesh.audit import entries as audit
from mesh.conditions.queries import search_fields
from mesh.database.filters import to_condition
from notification_svc.models import PLACEMENTS, condition_acknowledgement

MOST = 2_000
"""Acknowledgements of one tenant that are kept; beyond that, the oldest go."""


@dataclass(frozen=True, kw_only=True)
class Acknowledged:
    """A condition that a person has taken note of."""

    tenant_id: str
    condition_id: str
    station_id: str
    begin_us: int
    acknowledge_us: int
    actor: str
    comment: str

    def holds(self, begin_us: int) -> bool:
        """Whether it is about the condition of this name that began then, and not about one before it.

        The condition's begin may be by a clock that is ahead.
        """
        return begin_us <= max(self.acknowledge_us, self.begin_us)


def find(connection: Connection, tenant_id: str, condition_ids: Collection[str]) -> dict[str, Acknowledged]:
    """The acknowledgements of conditions, by their ids."""
    table = condition_acknowledgement.c
    query = sa.select(condition_acknowledgement).where(
        table.tenant_id == tenant_id, table.condition_id.in_(sorted(condition_ids))
    )
    return {row["condition_id"]: Acknowledged(**row) for row in connection.execute(query).mappings()}


def list_ids(connection: Connection, tenant_id: str) -> Sequence[str]:
    """The ids of all conditions that have an acknowledgement, whether they last or not; MOST at most."""
    table = condition_acknowledgement.c
    return (
        connection.execute(
            sa.select(table.condition_id).where(table.tenant_id == tenant_id).order_by(table.condition_id).limit(MOST)
        )
        .scalars()
        .all()
    )


def add(connection: Connection, made: Acknowledged) -> None:
    """Adds an acknowledgement, in the place of an earlier one, and forgets the oldest of a tenant that has too many."""
    before = find(connection, made.tenant_id, [made.condition_id]).get(made.condition_id)
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    values = asdict(made)
    statement = insert(condition_acknowledgement).values(**values)
    key = [condition_acknowledgement.c.tenant_id, condition_acknowledgement.c.condition_id]
    connection.execute(statement.on_conflict_do_update(index_elements=key, set_=values))
    _record(connection, before, made)
    _trim(connection, made.tenant_id)


def remove(connection: Connection, tenant_id: str, condition_id: str) -> bool:
    """Removes an acknowledgement; returns whether there was one."""
    before = find(connection, tenant_id, [condition_id]).get(condition_id)
    if before is None:
        audit.unchanged()
        return False
    table = condition_acknowledgement
    named = (table.c.tenant_id == tenant_id, table.c.condition_id == condition_id)
    connection.execute(sa.delete(table).where(*named))
    _record(connection, before, None)
    return True


def _image(row: Acknowledged) -> dict[str, Any]:
    """The audited fields."""
    return {"actor": row.actor, "comment": row.comment, "acknowledgeUs": row.acknowledge_us}


_record = partial(
    audit.row_changed,
    resource_type="condition",
    resource=lambda row: row.condition_id,
    station=lambda row: row.station_id,
    image=_image,
)


def _trim(connection: Connection, tenant_id: str) -> None:
    table = condition_acknowledgement
    beyond = (
        sa.select(table.c.acknowledge_us)
        .where(table.c.tenant_id == tenant_id)
        .order_by(table.c.acknowledge_us.desc())
        .offset(MOST)
        .limit(1)
        .scalar_subquery()
    )
    _forget(connection, sa.and_(table.c.tenant_id == tenant_id, table.c.acknowledge_us <= beyond))


def remove_old(connection: Connection, *, before_us: int, limit: int) -> int:
    """Removes up to `limit` that were made before a moment; returns how many."""
    table = condition_acknowledgement
    key = sa.tuple_(table.c.tenant_id, table.c.condition_id)
    old = sa.select(table.c.tenant_id, table.c.condition_id).where(table.c.acknowledge_us < before_us).limit(limit)
    return _forget(connection, key.in_(old))


def _forget(connection: Connection, condition: sa.ColumnElement[bool]) -> int:
    """Removes acknowledgements, with an entry for each: the same condition may be acknowledged again later."""
    statement = sa.delete(condition_acknowledgement).where(condition).returning(*condition_acknowledgement.c)
    removed = [Acknowledged(**row) for row in connection.execute(statement).mappings()]
    for row in removed:
        _record(connection, row, None)
    return len(removed)


def stations_that_fit(
    connection: Connection, tenant_id: str, text: str, station_ids: Collection[str]
) -> frozenset[str]:
    """The stations of a list that a filter names; also stations that stand nowhere, which have no row."""
    asked = sorted(station_ids)
    if connection.dialect.name == "postgresql":
        elements = sa.func.json_array_elements_text(sa.cast(asked, postgresql.JSON))
    else:
        elements = sa.func.json_each(msgspec.json.encode(asked).decode())
    named = elements.table_valued(sa.column("value", sa.Text), name="named")
    query = sa.select(named.c.value)
    condition = to_condition(text, search_fields(PLACEMENTS, tenant_id, named.c.value))
    if condition is not None:
        query = query.where(condition)
    return frozenset(connection.execute(query).scalars())

"""Numbers that are given once per station: of charging profiles, of reservations."""

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from station_svc.core.models import allocation

MOST = 2**31 - 1


def take(connection: Connection, *, tenant_id: str, station_id: str, kind: str, in_use: Collection[int] = ()) -> int:
    """The next number of this kind for a station, from 1, that is not in use; after 2^31-1 it is 1 again.

    The row stays locked until the transaction ends, so that of two concurrent transactions one waits for the other.
    """
    key = {"tenant_id": tenant_id, "station_id": station_id, "kind": kind}
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    query = (
        insert(allocation)
        .values(**key, latest=1)
        .on_conflict_do_update(
            index_elements=[allocation.c.tenant_id, allocation.c.station_id, allocation.c.kind],
            set_={"latest": allocation.c.latest % MOST + 1},
        )
        .returning(allocation.c.latest)
    )
    first: int = connection.execute(query).scalar_one()
    number = first
    while number in in_use:
        number = number % MOST + 1
    if number != first:
        moved = sa.update(allocation).values(latest=number)
        connection.execute(moved.where(*(allocation.c[name] == value for name, value in key.items())))
    return number

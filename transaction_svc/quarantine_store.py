"""The SQL of the quarantine. Functions run inside a transaction that Database opens."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from mesh.database.filters import Field, moment
from mesh.database.rowset import RowStatement, columns_of
from mesh.placements.conditions import StationConditions
from transaction_svc.models import PLACEMENTS, quarantine, quarantine_mend

OPEN, RECORDED, DISMISSED = "OPEN", "RECORDED", "DISMISSED"


@dataclass(frozen=True, kw_only=True)
class Mend:
    """A replacement of an item's content; `item` has no origin, and is serialized, in base64.

    `payload` is the OCPP JSON that it was translated from, empty where there was none.
    """

    tenant_id: str
    quarantine_id: str
    mend_no: int
    kind: str
    item: str
    payload: str
    reason: str
    username: str
    mend_us: int
    failure_reason: str
    failure_message: str


@dataclass(frozen=True, kw_only=True)
class Quarantined:
    """A message that could not be recorded; `item` is the gateway's item, serialized, in base64."""

    tenant_id: str
    quarantine_id: str
    station_id: str
    kind: str
    item: str
    state: str
    reason: str
    message: str
    run_count: int
    transaction_id: str
    create_us: int
    update_us: int
    item_size: int
    mends: tuple[Mend, ...] = ()  # oldest first


# An item that was dealt with is OPEN again where the same content comes in another frame: a station without a clock may
# send it for another transaction. The same frame, which a gateway sends again when an answer was lost, changes nothing.
_ADD = RowStatement(
    """
    INSERT INTO quarantine (tenant_id, quarantine_id, station_id, kind, item, state, reason, message,
                            run_count, transaction_id, create_us, update_us, item_size)
    SELECT tenant_id, quarantine_id, station_id, kind, item, 'OPEN', reason, message, 0, '', now_us, now_us, item_size
    FROM {rows} WHERE true
    ON CONFLICT (tenant_id, quarantine_id) DO UPDATE
    SET item = excluded.item, state = 'OPEN', reason = excluded.reason, message = excluded.message,
        transaction_id = '', update_us = excluded.update_us, item_size = excluded.item_size
    WHERE quarantine.state <> 'OPEN' AND quarantine.item <> excluded.item
    RETURNING quarantine_id
    """,
    tenant_id="text",
    quarantine_id="text",
    station_id="text",
    kind="text",
    item="text",
    reason="text",
    message="text",
    now_us="bigint",
    item_size="integer",
)

# Reads the partial index on station_id, which has only such rows.
_UNACCEPTED = RowStatement(
    """
    SELECT rows.tenant_id, rows.station_id, count(*), coalesce(sum(q.item_size), 0)
    FROM {rows} JOIN quarantine q
      ON q.station_id = rows.station_id AND q.tenant_id || '' = rows.tenant_id
     AND q.reason = 'STATION_NOT_ACCEPTED' AND q.state = 'OPEN'
    GROUP BY rows.tenant_id, rows.station_id
    """,
    **columns_of(quarantine, "tenant_id", "station_id"),
)


def add(connection: Connection, rows: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """Adds items, each id once; returns the ids of those that are OPEN from now on."""
    return frozenset(_ADD.run(connection, rows).scalars())


def get(connection: Connection, tenant_id: str, quarantine_id: str, *, lock: bool = False) -> Quarantined | None:
    """One item, or None. With `lock`, no other transaction changes it until this one ends."""
    query = sa.select(quarantine).where(
        quarantine.c.tenant_id == tenant_id, quarantine.c.quarantine_id == quarantine_id
    )
    if lock:
        query = query.with_for_update()  # no effect on SQLite, which has one writer
    row = connection.execute(query).mappings().first()
    return None if row is None else _with_mends(connection, tenant_id, [row])[0]


def change(connection: Connection, tenant_id: str, quarantine_id: str, **values: Any) -> Quarantined:
    """Sets columns of an item that exists; returns the item."""
    named = (quarantine.c.tenant_id == tenant_id, quarantine.c.quarantine_id == quarantine_id)
    changed = connection.execute(sa.update(quarantine).where(*named).values(**values).returning(*quarantine.c))
    return _with_mends(connection, tenant_id, [changed.mappings().one()])[0]


def add_mend(connection: Connection, mend: Mend) -> None:
    """Adds a mend to an item that exists, and that the caller has locked."""
    connection.execute(sa.insert(quarantine_mend).values(**asdict(mend)))


def unaccepted(
    connection: Connection, stations: Iterable[tuple[str, str]]
) -> Mapping[tuple[str, str], tuple[int, int]]:
    """Number and characters of OPEN items of stations that are not accepted, by tenant and station."""
    rows = [{"tenant_id": tenant, "station_id": station} for tenant, station in stations]
    found = _UNACCEPTED.fetch(connection, rows)
    return {(tenant, station): (count, int(size)) for tenant, station, count, size in found}


def _with_mends(connection: Connection, tenant_id: str, rows: Sequence[Mapping[Any, Any]]) -> Sequence[Quarantined]:
    """Items of one tenant from their rows, with their mends."""
    query = (
        sa.select(quarantine_mend)
        .where(
            quarantine_mend.c.tenant_id == tenant_id,
            quarantine_mend.c.quarantine_id.in_([row["quarantine_id"] for row in rows]),
        )
        .order_by(quarantine_mend.c.mend_no)
    )
    mends: dict[str, list[Mend]] = {}
    for mend in connection.execute(query).mappings():
        mends.setdefault(mend["quarantine_id"], []).append(Mend(**mend))
    return [Quarantined(**row, mends=tuple(mends.get(row["quarantine_id"], ()))) for row in rows]


_REMOVE = sa.text(
    """
    DELETE FROM quarantine WHERE (tenant_id, quarantine_id) IN (
        SELECT tenant_id, quarantine_id FROM quarantine WHERE update_us < :before_us ORDER BY update_us LIMIT :limit)
    """
)


def remove_old(connection: Connection, *, before_us: int, limit: int) -> int:
    """Removes up to `limit` items that were last changed before `before_us`, with their mends; returns how many."""
    return connection.execute(_REMOVE, {"before_us": before_us, "limit": limit}).rowcount


def _state(word: str) -> str:
    state = word.upper().removeprefix("QUARANTINE_STATE_")
    if state not in {OPEN, RECORDED, DISMISSED}:
        raise ValueError("one of OPEN, RECORDED, DISMISSED is needed")
    return state


_FILTERS: Mapping[str, Field] = {
    "station_id": Field(quarantine.c.station_id),
    "state": Field(quarantine.c.state, _state),
    "reason": Field(quarantine.c.reason),
    "create_time": Field(quarantine.c.create_us, moment),
}


def conditions(tenant_id: str) -> StationConditions:
    """Conditions on items by where their stations stand."""
    return StationConditions(PLACEMENTS, tenant_id=tenant_id, station_id=quarantine.c.station_id)


def filters(tenant_id: str) -> Mapping[str, Field]:
    """Fields of filters."""
    return {**_FILTERS, **conditions(tenant_id).fields()}


def list_items(
    connection: Connection,
    tenant_id: str,
    *,
    condition: ColumnElement[bool] | None,
    after: tuple[int, str] | None,
    most: int,
) -> Sequence[Quarantined]:
    """Up to `most` items, newest first; `after` is the key of the last one of the page before."""
    newest_first = (quarantine.c.create_us, quarantine.c.quarantine_id)
    query = sa.select(quarantine).where(quarantine.c.tenant_id == tenant_id)
    if condition is not None:
        query = query.where(condition)
    if after is not None:
        query = query.where(sa.tuple_(*newest_first) < after)
    query = query.order_by(*(column.desc() for column in newest_first)).limit(most)
    return _with_mends(connection, tenant_id, connection.execute(query).mappings().all())

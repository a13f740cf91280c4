"""The SQL of how far the erasures of drivers are in a service (`mesh/driver_tables.py` has the table)."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

import msgspec
from sqlalchemy import Connection, Text, bindparam, text

_READ = text(
    """
    SELECT table_name, position, removed_rows, changed_rows, waiting_rows FROM driver_erasure_progress
    WHERE tenant_id = :tenant_id AND erasure_id = :erasure_id
    """
)
_SAVE = text(
    """
    INSERT INTO driver_erasure_progress
      (tenant_id, erasure_id, table_name, position, removed_rows, changed_rows, waiting_rows)
    VALUES (:tenant_id, :erasure_id, :table_name, :position, :removed_rows, :changed_rows, :waiting_rows)
    ON CONFLICT (tenant_id, erasure_id) DO UPDATE
    SET table_name = excluded.table_name, position = excluded.position, removed_rows = excluded.removed_rows,
        changed_rows = excluded.changed_rows, waiting_rows = excluded.waiting_rows
    """
)
_REMOVE_OTHERS = text("DELETE FROM driver_erasure_progress WHERE erasure_id NOT IN :erasure_ids").bindparams(
    bindparam("erasure_ids", expanding=True, type_=Text())
)


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far an erasure is: the table that is walked (empty: all were), and the place of the last row that was read.

    `waiting_rows` are those of the present walk, the other numbers those of all walks.
    """

    tenant_id: str
    erasure_id: str
    table_name: str
    position: tuple[Any, ...] = ()
    removed_rows: int = 0
    changed_rows: int = 0
    waiting_rows: int = 0


def read(connection: Connection, *, begin: Progress) -> Progress:
    """The progress of an erasure; `begin` where nothing is noted of it."""
    key = {"tenant_id": begin.tenant_id, "erasure_id": begin.erasure_id}
    row = connection.execute(_READ, key).mappings().first()
    if row is None:
        return begin
    return replace(begin, **{**row, "position": tuple(msgspec.json.decode(row["position"]))})


def save(connection: Connection, *, progress: Progress) -> None:
    """Notes the progress of an erasure."""
    values = {name: getattr(progress, name) for name in Progress.__dataclass_fields__}
    connection.execute(_SAVE, values | {"position": msgspec.json.encode(progress.position).decode()})


def remove_others(connection: Connection, *, erasure_ids: Collection[str]) -> None:
    """Forgets all erasures but these."""
    connection.execute(_REMOVE_OTHERS, {"erasure_ids": list(erasure_ids)})

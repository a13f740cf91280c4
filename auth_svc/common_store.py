"""SQL that several stores of auth_svc share."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, text

from mesh.events import outbox


def insert(connection: Connection, table: sa.Table, values: Mapping[str, Any]) -> bool:
    """Adds a row; False where it is there already."""
    columns: Sequence[str] = [column.name for column in table.columns]
    names, parameters = ", ".join(columns), ", ".join(f":{name}" for name in columns)
    statement = f"INSERT INTO {table.name} ({names}) VALUES ({parameters}) ON CONFLICT DO NOTHING"  # noqa: S608
    return connection.execute(text(statement), dict(values)).rowcount == 1


def event(kind: str, tenant_id: str, now_us: int, data: Mapping[str, Any]) -> outbox.OutboxEvent:
    """An operator has changed something."""
    # Such a change is committed once or not at all, so any unique id reports it once.
    return outbox.OutboxEvent(
        event_id=str(uuid.uuid4()), tenant_id=tenant_id, type=kind, station_id="", event_time_us=now_us, data=data
    )

"""The SQL behind CommandService: where a station's socket is, what was sent to it, and what came of it.

Each function is the work of one transaction.
"""

import secrets
from collections.abc import Sequence
from dataclasses import asdict, fields

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from mesh.rowset import RowStatement
from station_svc.commands.models import command
from station_svc.commands.rows import CommandRow, NewCommand
from station_svc.credentials.digests import digest_of
from station_svc.stations.models import connection, node, station
from station_svc.stations.rows import Socket, VariableRow
from station_svc.stations.store import not_found

_COLUMNS = [command.c[one.name] for one in fields(CommandRow)]


def begin(db: Connection, new: NewCommand, now_us: int) -> CommandRow | None:
    """Records a command that is about to be sent; or else returns the earlier one of the same request id.

    Raises MeshError STATION_NOT_FOUND, and records nothing then.
    """
    if new.request_id is not None and (earlier := find_request(db, new.tenant_id, new.request_id)) is not None:
        return earlier
    _expect_station(db, new)
    salt = secrets.token_hex(16)
    values = {
        "tenant_id": new.tenant_id,
        "command_id": new.command_id,
        "request_id": new.request_id,
        "station_id": new.station_id,
        "name": new.name,
        "username": new.username,
        "salt": salt,
        "digest": digest_of(salt, new.content),
        "create_us": now_us,
        "deadline_us": new.deadline_us,
    }
    insert = postgresql.insert if db.dialect.name == "postgresql" else sqlite.insert
    query = insert(command).values(values).on_conflict_do_nothing().returning(command.c.command_id)
    if db.execute(query).first() is not None or new.request_id is None:
        return None
    # Another one of the same request id was recorded since we looked.
    return find_request(db, new.tenant_id, new.request_id)


def find_request(db: Connection, tenant_id: str, request_id: str) -> CommandRow | None:
    """The command that has this request id."""
    query = sa.select(*_COLUMNS).where(command.c.tenant_id == tenant_id, command.c.request_id == request_id)
    row = db.execute(query).mappings().first()
    return None if row is None else CommandRow(**row)


def _expect_station(db: Connection, new: NewCommand) -> None:
    query = sa.select(station.c.station_id).where(
        station.c.tenant_id == new.tenant_id, station.c.station_id == new.station_id
    )
    if db.execute(query).first() is None:
        raise not_found(new.station_id)


def find_socket(db: Connection, *, tenant_id: str, station_id: str, now_us: int) -> Socket | None:
    """Where a station's socket is: None where no gateway that is alive holds it."""
    query = (
        sa.select(station.c.station_id, connection.c.epoch, node.c.address)
        .join(connection, connection.c.epoch == station.c.latest_epoch)
        .join(node, node.c.node_id == connection.c.node_id)
        .where(
            station.c.tenant_id == tenant_id,
            station.c.station_id == station_id,
            connection.c.disconnect_us.is_(None),
            node.c.lease_end_us > now_us,
        )
    )
    row = db.execute(query).mappings().first()
    return None if row is None else Socket(**row)


_REMEMBER = RowStatement(
    """
    INSERT INTO variable (tenant_id, station_id, component, variable, component_instance, evse_id, connector_id,
                          variable_instance, attribute_type, value, readonly, update_us)
    SELECT station.tenant_id, station.station_id, rows.component, rows.variable, rows.component_instance, rows.evse_id,
           rows.connector_id, rows.variable_instance, rows.attribute_type, rows.value, rows.readonly, rows.update_us
    FROM {rows} JOIN station ON station.tenant_id = :tenant_id AND station.station_id = :station_id
    WHERE true
    ORDER BY rows.component, rows.variable, rows.component_instance, rows.evse_id, rows.connector_id,
             rows.variable_instance, rows.attribute_type
    ON CONFLICT (tenant_id, station_id, component, variable, component_instance, evse_id, connector_id,
                 variable_instance, attribute_type)
    DO UPDATE SET value = excluded.value, readonly = COALESCE(excluded.readonly, variable.readonly),
                  update_us = excluded.update_us
    WHERE variable.update_us <= excluded.update_us
    """,
    component="text",
    variable="text",
    component_instance="text",
    evse_id="integer",
    connector_id="integer",
    variable_instance="text",
    attribute_type="text",
    value="text",
    readonly="boolean",
    update_us="bigint",
)


def remember_variables(db: Connection, *, tenant_id: str, station_id: str, variables: Sequence[VariableRow]) -> None:
    """Keeps variables as the station told them; where one is named twice, the last one counts."""
    if variables:
        latest = {row.key: asdict(row) for row in variables}
        _REMEMBER.run(db, latest.values(), tenant_id=tenant_id, station_id=station_id)


def finish(
    db: Connection,
    *,
    tenant_id: str,
    command_id: str,
    epoch: int,
    now_us: int,
    answer: bytes | None = None,
    error: bytes | None = None,
) -> bool:
    """Records what came of a command; the first outcome stays. Returns whether this one is it."""
    query = (
        sa.update(command)
        .where(command.c.tenant_id == tenant_id, command.c.command_id == command_id, command.c.finish_us.is_(None))
        .values(epoch=epoch, finish_us=now_us, answer=answer, error=error)
    )
    return db.execute(query).rowcount == 1

"""The SQL behind CommandService: where a station's socket is, what was sent to it, and what came of it.

Each function is the work of one transaction.
"""

import secrets
from dataclasses import fields

import sqlalchemy as sa
from sqlalchemy import Connection

from mesh.database import pipeline
from mesh.database.rowset import RowStatement, columns_of, run_prepared
from station_svc.commands.models import command
from station_svc.commands.rows import BegunCommand, CommandRow, FinishedCommand, NewCommand
from station_svc.core.digests import digest_of
from station_svc.core.station_rows import Socket
from station_svc.core.station_store import not_found

_COLUMNS = [command.c[one.name] for one in fields(CommandRow)]


# One statement, since each takes as long as the call to the gateway. It looks into `command` only for a row with the
# same request id: a plan made while that table is empty would read all of a tenant's later. There is one row, and the
# planner is given that number: it would expect a hundred. The epoch is 0 where no living gateway holds the socket.
_BEGIN = RowStatement(
    """
    INSERT INTO command (tenant_id, command_id, request_id, station_id, name, username, salt, digest, epoch, create_us,
                         deadline_us)
    SELECT rows.tenant_id, rows.command_id, rows.request_id, rows.station_id, rows.name, rows.username, rows.salt,
           rows.digest, CASE WHEN node.node_id IS NULL THEN 0 ELSE connection.epoch END, rows.create_us,
           rows.deadline_us
    FROM (SELECT * FROM {rows} LIMIT 1) AS rows
    JOIN station ON station.tenant_id = rows.tenant_id AND station.station_id = rows.station_id
    LEFT JOIN connection ON connection.epoch = station.latest_epoch AND connection.disconnect_us IS NULL
    LEFT JOIN node ON node.node_id = connection.node_id AND node.lease_end_us > rows.create_us
    WHERE true
    ON CONFLICT DO NOTHING
    RETURNING epoch, (SELECT node.address FROM connection JOIN node ON node.node_id = connection.node_id
                      WHERE connection.epoch = command.epoch),
              (SELECT connection.ocpp_version FROM connection WHERE connection.epoch = command.epoch),
              (SELECT station.boot_status FROM station
               WHERE station.tenant_id = command.tenant_id AND station.station_id = command.station_id)
    """,
    **columns_of(
        command,
        "tenant_id",
        "command_id",
        "request_id",
        "station_id",
        "name",
        "username",
        "salt",
        "digest",
        "create_us",
        "deadline_us",
    ),
)

_OWN = sa.text(
    """
    SELECT epoch, (SELECT node.address FROM connection JOIN node ON node.node_id = connection.node_id
                   WHERE connection.epoch = command.epoch),
           (SELECT connection.ocpp_version FROM connection WHERE connection.epoch = command.epoch),
           (SELECT station.boot_status FROM station
            WHERE station.tenant_id = command.tenant_id AND station.station_id = command.station_id)
    FROM command WHERE tenant_id = :tenant_id AND command_id = :command_id
    """
)


def begin(connection: Connection, new: NewCommand, now_us: int) -> CommandRow | BegunCommand:
    """Records a command that is about to be sent, or finds the record of an attempt whose COMMIT got no answer.

    Where an earlier one has the same request id, it is returned, and nothing recorded. Raises MeshError
    STATION_NOT_FOUND, and records nothing then.
    """
    salt = secrets.token_hex(16)
    row = {
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
    inserted = run_prepared(connection, (_BEGIN, [row]))
    own = {"tenant_id": new.tenant_id, "command_id": new.command_id}
    for epoch, address, version, boot_status in inserted or connection.execute(_OWN, own).all():
        socket = (
            None
            if address is None
            else Socket(tenant_id=new.tenant_id, station_id=new.station_id, epoch=epoch, address=address)
        )
        return BegunCommand(
            socket=socket, is_new=bool(inserted), ocpp_version=version or "", boot_status=boot_status or 0
        )
    earlier = None if new.request_id is None else find_request(connection, new.tenant_id, new.request_id)
    if earlier is None:
        raise not_found(new.station_id)
    return earlier


def find_request(connection: Connection, tenant_id: str, request_id: str) -> CommandRow | None:
    """The command that has this request id."""
    query = sa.select(*_COLUMNS).where(command.c.tenant_id == tenant_id, command.c.request_id == request_id)
    row = connection.execute(query).mappings().first()
    return None if row is None else CommandRow(**row)


# With the driver's own cursor: rows as JSON hold no bytes, and SQLAlchemy takes twice as long.
_FINISH = """
    UPDATE command SET finish_us = %s, answer = %s, error = %s
    WHERE tenant_id = %s AND command_id = %s AND finish_us IS NULL
    RETURNING command_id
    """


def finish(connection: Connection, finished: FinishedCommand) -> bool:
    """Records what came of a command; the first outcome stays. Returns whether this one is it."""
    values = (finished.finish_us, finished.answer, finished.error, finished.tenant_id, finished.command_id)
    if connection.dialect.name == "postgresql":
        return bool(pipeline.run(connection, (_FINISH, values)))
    return connection.exec_driver_sql(_FINISH.replace("%s", "?"), values).first() is not None

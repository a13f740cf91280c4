"""The audit of commands: an entry when one is about to be sent, and one with its outcome.

What a command carries is recorded with secrets masked; where it is long, the names of its fields alone.
"""

from typing import Any

from google.protobuf import json_format
from google.protobuf.message import Message
from sqlalchemy import Connection

from mesh.audit import entries as audit
from mesh.runtime.errors import MeshError
from station_svc.commands.rows import NewCommand

PENDING = "PENDING"
"""The outcome of a command that is about to be sent."""

_OWN_FIELDS = ("stationId", "requestId", "timeoutS")


def begun(connection: Connection, new: NewCommand, request: Message, now_us: int) -> None:
    """A command is about to be sent."""
    _append(connection, new, {"command": new.name, "request": _to_details(request)}, PENDING, now_us)


def finished(connection: Connection, new: NewCommand, outcome: Message | MeshError, now_us: int) -> None:
    """The station answered, or not."""
    if isinstance(outcome, MeshError):
        _append(connection, new, {"command": new.name}, str(outcome.reason), now_us)
        return
    status = outcome.DESCRIPTOR.fields_by_name.get("status")
    details: dict[str, Any] = {"command": new.name}
    if status is not None and status.enum_type is not None:
        word = status.enum_type.values_by_number.get(getattr(outcome, "status"))  # noqa: B009 - not every message has it
        details["status"] = "" if word is None else word.name
    _append(connection, new, details, audit.OK, now_us)


def _append(connection: Connection, new: NewCommand, details: dict[str, Any], outcome: str, now_us: int) -> None:
    audit.acted(
        connection,
        tenant_id=new.tenant_id,
        resource_type="command",
        resource=new.command_id,
        station_id=new.station_id,
        details=details,
        outcome=outcome,
        time_us=now_us,
    )


def _to_details(request: Message) -> dict[str, Any]:
    names = {"truncatedFields": [field.name for field, _value in request.ListFields()]}
    if request.ByteSize() > audit.MOST_DETAILS_BYTES:
        return names
    try:
        details = json_format.MessageToDict(request)
    except (ValueError, json_format.Error):  # a time beyond the calendar, which the gateway refuses
        return names
    return {name: value for name, value in details.items() if name not in _OWN_FIELDS}

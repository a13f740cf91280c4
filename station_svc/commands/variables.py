"""Stores the variables in a station's answers."""

from collections.abc import Iterable
from dataclasses import replace

from csms.station.v1 import command_service_pb2, station_pb2
from google.protobuf.message import Message
from sqlalchemy import Connection

from mesh.runtime.errors import MeshError
from mesh.runtime.masking import MASK
from station_svc.commands.hooks import CommandHooks
from station_svc.commands.rows import NewCommand
from station_svc.core import variable_store
from station_svc.core.station_rows import VariableRow

_TAKEN = frozenset(
    {command_service_pb2.SET_VARIABLE_STATUS_ACCEPTED, command_service_pb2.SET_VARIABLE_STATUS_REBOOT_REQUIRED}
)

Sent = command_service_pb2.GetVariablesRequest | command_service_pb2.SetVariablesRequest


class RememberVariables(CommandHooks):
    """Stores the variables that were read or set; names no more at once than the known limits of the station."""

    _sent: Sent | None = None

    def __init__(self, sent: Sent | None = None) -> None:
        """`sent` is the command; its limits are filled in where they are not given."""
        self._sent = sent

    def on_begin(self, connection: Connection, new: NewCommand, now_us: int) -> None:
        """In place: the gateway is sent what the command is after this."""
        sent = self._sent
        if sent is None or len(sent.variables) < 2 or (sent.items_per_message and sent.bytes_per_message):
            return
        # 0 where it is not known: then the gateway reads the limits first, where many are named.
        action = "GetVariables" if isinstance(sent, command_service_pb2.GetVariablesRequest) else "SetVariables"
        limits = variable_store.find_limits(
            connection, tenant_id=new.tenant_id, station_id=new.station_id, action=action
        )
        sent.items_per_message = sent.items_per_message or limits.items
        sent.bytes_per_message = sent.bytes_per_message or limits.size

    def on_outcome(self, connection: Connection, new: NewCommand, outcome: Message | MeshError, now_us: int) -> None:
        """Secrets are masked in the outcome already."""
        rows = [] if isinstance(outcome, MeshError) else list(_stated(outcome, now_us))
        variable_store.remember(connection, [((new.tenant_id, new.station_id), row) for row in rows])


def _stated(answer: Message, now_us: int) -> Iterable[VariableRow]:
    if isinstance(answer, command_service_pb2.GetVariablesResponse):
        for read in answer.results:
            if read.status == command_service_pb2.GET_VARIABLE_STATUS_ACCEPTED:
                yield to_row(read.variable, now_us)
    if isinstance(answer, command_service_pb2.SetVariablesResponse):
        for result in answer.results:
            if result.status in _TAKEN:
                waits = result.status == command_service_pb2.SET_VARIABLE_STATUS_REBOOT_REQUIRED
                row = to_row(result.variable, now_us, reboot_us=now_us if waits else None)
                yield replace(row, wished_value=None if row.value == MASK else row.value)


def to_row(
    variable: station_pb2.Variable, now_us: int, *, has_value: bool = True, reboot_us: int | None = None
) -> VariableRow:
    """A variable as a station stated it; without a value the one that is known stays."""
    stated = variable.characteristics if variable.HasField("characteristics") else None
    return VariableRow(
        component=variable.component,
        variable=variable.variable,
        component_instance=variable.component_instance,
        evse_id=variable.evse.evse_id,
        connector_id=variable.evse.connector_id,
        variable_instance=variable.variable_instance,
        attribute_type=variable.attribute_type or "Actual",
        value=variable.value if has_value else None,
        readonly=variable.readonly if variable.HasField("readonly") else None,
        update_us=now_us,
        mutability=variable.mutability,
        persistent=variable.persistent if variable.HasField("persistent") else None,
        constant=variable.constant if variable.HasField("constant") else None,
        unit="" if stated is None else stated.unit,
        data_type=0 if stated is None else stated.data_type,
        min_limit=stated.min_limit if stated is not None and stated.HasField("min_limit") else None,
        max_limit=stated.max_limit if stated is not None and stated.HasField("max_limit") else None,
        values_list="" if stated is None else stated.values_list,
        supports_monitoring=None if stated is None else stated.supports_monitoring,
        reboot_us=reboot_us,
    )

"""Stores the variables in a station's answers."""

from collections.abc import Iterable

from csms.station.v1 import command_service_pb2, station_pb2
from google.protobuf.message import Message
from sqlalchemy import Connection

from mesh.runtime.errors import MeshError
from station_svc.commands import store
from station_svc.commands.hooks import CommandHooks
from station_svc.commands.rows import NewCommand
from station_svc.core.station_rows import VariableRow

_TAKEN = frozenset(
    {command_service_pb2.SET_VARIABLE_STATUS_ACCEPTED, command_service_pb2.SET_VARIABLE_STATUS_REBOOT_REQUIRED}
)


class RememberVariables(CommandHooks):
    """Stores the variables that were read or set; requests no more at once than the known limit of the station."""

    _sent: command_service_pb2.GetVariablesRequest | None = None

    def __init__(self, sent: command_service_pb2.GetVariablesRequest | None = None) -> None:
        """`sent` is the command that reads variables; its items_per_message is filled in where it is not given."""
        self._sent = sent

    def on_begin(self, connection: Connection, new: NewCommand, now_us: int) -> None:
        """In place: what is sent is read after this."""
        sent = self._sent
        if sent is not None and not sent.items_per_message and len(sent.variables) > 1:
            # 0 where it is not known: then the gateway reads the limit first, where many are requested.
            limit = store.find_items_per_message(connection, tenant_id=new.tenant_id, station_id=new.station_id)
            sent.items_per_message = limit

    def on_outcome(self, connection: Connection, new: NewCommand, outcome: Message | MeshError, now_us: int) -> None:
        """Secrets are masked in the outcome already."""
        rows = [] if isinstance(outcome, MeshError) else [_to_row(variable, now_us) for variable in _stated(outcome)]
        store.remember_variables(connection, tenant_id=new.tenant_id, station_id=new.station_id, variables=rows)


def _stated(answer: Message) -> Iterable[station_pb2.Variable]:
    if isinstance(answer, command_service_pb2.GetVariablesResponse):
        read = command_service_pb2.GET_VARIABLE_STATUS_ACCEPTED
        return [result.variable for result in answer.results if result.status == read]
    if isinstance(answer, command_service_pb2.SetVariablesResponse):
        return [result.variable for result in answer.results if result.status in _TAKEN]
    return []


def _to_row(variable: station_pb2.Variable, now_us: int) -> VariableRow:
    return VariableRow(
        component=variable.component,
        variable=variable.variable,
        component_instance=variable.component_instance,
        evse_id=variable.evse.evse_id,
        connector_id=variable.evse.connector_id,
        variable_instance=variable.variable_instance,
        attribute_type=variable.attribute_type or "Actual",
        value=variable.value,
        readonly=variable.readonly if variable.HasField("readonly") else None,
        update_us=now_us,
    )

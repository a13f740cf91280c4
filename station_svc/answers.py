"""What a station's answers tell of its variables, and what of them must not be kept or shown."""

from collections.abc import Iterable

from csms.station.v1 import command_service_pb2, station_pb2
from google.protobuf import json_format
from google.protobuf.message import Message

from mesh.masking import MASK, is_secret, mask_payload
from station_svc.rows import VariableRow

_TAKEN = frozenset(
    {command_service_pb2.SET_VARIABLE_STATUS_ACCEPTED, command_service_pb2.SET_VARIABLE_STATUS_REBOOT_REQUIRED}
)


def mask_answer(answer: Message) -> None:
    """Replaces the values of secrets in an answer, in place: operators see them no more than logs do."""
    if isinstance(answer, command_service_pb2.GetVariablesResponse | command_service_pb2.SetVariablesResponse):
        for result in answer.results:
            if result.variable.value and is_secret(result.variable.variable):
                result.variable.value = MASK
    elif isinstance(answer, command_service_pb2.SendCallResponse):
        payload = json_format.MessageToDict(answer.payload)
        masked = mask_payload(payload)
        if masked != payload:
            answer.payload.Clear()
            answer.payload.update(masked)


def variables_in(answer: Message, now_us: int) -> list[VariableRow]:
    """The variables that an answer tells of, secrets masked already."""
    return [_to_row(variable, now_us) for variable in _told(answer)]


def _told(answer: Message) -> Iterable[station_pb2.Variable]:
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

"""Commands about many variables in several CALLs, each within the station's limits. The same for every OCPP version."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import msgspec
from csms.common.v1.status_info_pb2 import StatusInfo
from csms.station.v1.command_service_pb2 import (
    GET_VARIABLE_STATUS_ACCEPTED,
    SET_VARIABLE_STATUS_NOT_SENT,
    SET_VARIABLE_STATUS_REJECTED,
    GetVariablesRequest,
    GetVariablesResponse,
    SetVariablesRequest,
    SetVariableStatus,
)
from csms.station.v1.station_pb2 import Variable

from gateway.ocpp.checks import check_not_negative
from gateway.ocpp.translation import CallFailure, UnacceptableError
from mesh.runtime.error_reasons import AnyReason, Reason

T = TypeVar("T")
Command = TypeVar("Command", GetVariablesRequest, SetVariablesRequest)

NO_ANSWER = "NoAnswer"
# So many at once no station is known to be too few for: its limit is worth a CALL of its own from more on.
FEW = 3
# Bytes of a CALL around its list, and around each item of it: the frame's brackets, its id, action and field.
FRAME_BYTES = 120
ITEM_BYTES = 1
# Of a variable whose CALL failed; of any other failure the status is UNKNOWN.
SET_FAILURES: Mapping[AnyReason, SetVariableStatus.ValueType] = {
    Reason.CALL_ERROR: SET_VARIABLE_STATUS_REJECTED,
    Reason.NOT_SENT: SET_VARIABLE_STATUS_NOT_SENT,
}
_BYTES_LIMIT = "BytesPerMessage"


def parts(items: Sequence[T], most: int) -> list[list[T]]:
    """The items in lists of at most `most` each; in one where that is 0. Without items one list, which is empty.

    Raises UnacceptableError where `most` is below 0.
    """
    size = check_not_negative(most, "items_per_message") or max(len(items), 1)
    return [list(items[start : start + size]) for start in range(0, len(items), size)] or [[]]


def fitting_parts(items: Sequence[Any], command: GetVariablesRequest | SetVariablesRequest) -> list[list[Any]]:
    """The payloads of items in lists that are within the command's limits, both in number and in bytes (0: none).

    Raises UnacceptableError for an item that is too large for a CALL of its own.
    """
    limit = check_not_negative(command.bytes_per_message, "bytes_per_message")
    found = parts(items, command.items_per_message)
    if not limit:
        return found
    fitting: list[list[Any]] = []
    number = 0
    for part in found:
        left = -1
        for item in part:
            size = len(msgspec.json.encode(item)) + ITEM_BYTES
            if size > limit - FRAME_BYTES:
                text = f"takes {size + FRAME_BYTES} bytes, and the station takes {limit} in a message"
                raise UnacceptableError("PropertyConstraintViolation", f"variables[{number}]", text)
            if size > left:
                fitting.append([])
                left = limit - FRAME_BYTES
            fitting[-1].append(item)
            left -= size
            number += 1
    return fitting


def limit_read(command: Command, *limits: Variable) -> GetVariablesRequest | None:
    """The command that reads the station's limits, variables; None where they are known, or few variables are named."""
    if command.items_per_message or len(command.variables) <= FEW:
        return None
    return GetVariablesRequest(station_id=command.station_id, variables=limits)


def with_limit(command: Command, limit_answer: GetVariablesResponse) -> Command:
    """The command with the station's limits; unchanged where the station returned no number above 0."""
    limited = type(command)()
    limited.CopyFrom(command)
    for variable in (one.variable for one in limit_answer.results if one.status == GET_VARIABLE_STATUS_ACCEPTED):
        if re.fullmatch("[0-9]{1,9}", variable.value):
            if variable.variable.lower() == _BYTES_LIMIT.lower():
                limited.bytes_per_message = limited.bytes_per_message or int(variable.value)
            else:
                limited.items_per_message = int(variable.value)
    return limited


def no_answer(limit: str, count: int) -> StatusInfo:
    """The failure of an item that the station left out of its answer. `limit` is what the station calls its limit."""
    reason = f"the station said nothing of it, of {count} that it was asked for at once"
    return StatusInfo(reason_code=NO_ANSWER, additional_info="; ".join(filter(None, (reason, hint(limit, count)))))


def hint(limit: str, count: int) -> str:
    """A possible reason for a missing answer to so many variables at once; empty for one."""
    return f"it may take no more than its {limit}: items_per_message asks for fewer at once" if count > 1 else ""


def failure_of(failure: CallFailure) -> StatusInfo:
    """The failure of an item whose CALL has no answer."""
    return StatusInfo(reason_code=failure.reason, additional_info=failure.message)

"""Reads of many variables in several CALLs, each within the station's limit. The same for every OCPP version."""

import re
from collections.abc import Sequence
from typing import TypeVar

from csms.common.v1.status_info_pb2 import StatusInfo
from csms.station.v1.command_service_pb2 import GET_VARIABLE_STATUS_ACCEPTED, GetVariablesRequest, GetVariablesResponse
from csms.station.v1.station_pb2 import Variable

from gateway.ocpp.checks import check_not_negative
from gateway.ocpp.translation import CallFailure

T = TypeVar("T")

NO_ANSWER = "NoAnswer"
# So many at once no station is known to be too few for: its limit is worth a CALL of its own from more on.
FEW = 3


def parts(items: Sequence[T], most: int) -> list[list[T]]:
    """The items in lists of at most `most` each; in one where that is 0. Without items one list, which is empty.

    Raises UnacceptableError where `most` is below 0.
    """
    size = check_not_negative(most, "items_per_message") or max(len(items), 1)
    return [list(items[start : start + size]) for start in range(0, len(items), size)] or [[]]


def limit_read(command: GetVariablesRequest, limit: Variable) -> GetVariablesRequest | None:
    """The command that reads the station's limit, a variable; None where it is known, or few variables are read."""
    if command.items_per_message or len(command.variables) <= FEW:
        return None
    return GetVariablesRequest(station_id=command.station_id, variables=[limit])


def with_limit(command: GetVariablesRequest, limit_answer: GetVariablesResponse) -> GetVariablesRequest:
    """The command with the station's limit; unchanged where the station returned no number above 0."""
    limited = GetVariablesRequest()
    limited.CopyFrom(command)
    for value in (one.variable.value for one in limit_answer.results if one.status == GET_VARIABLE_STATUS_ACCEPTED):
        if re.fullmatch("[0-9]{1,9}", value):
            limited.items_per_message = int(value)
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

"""The outcome of a command, as the resources that follow it read it."""

from enum import Enum, auto

from google.protobuf.message import Message

from mesh.runtime.error_reasons import Reason, Sent
from mesh.runtime.errors import MeshError


class Outcome(Enum):
    """The knowledge of the station after a command."""

    ANSWERED = auto()  # it sent an answer or a CALLERROR
    REFUSED = auto()  # it answered with a CALLERROR, and did nothing
    UNSENT = auto()  # it did not receive the command
    UNKNOWN = auto()  # it may have acted, or not


def outcome_of(answer: Message | MeshError) -> Outcome:
    """The outcome of an answer or an error."""
    if not isinstance(answer, MeshError):
        return Outcome.ANSWERED
    if answer.reason is Reason.CALL_ERROR:
        return Outcome.REFUSED
    return Outcome.UNSENT if answer.reason.sent is Sent.NO else Outcome.UNKNOWN


def reason_code_of(answer: Message | MeshError) -> str:
    """Why the station refused: its reason code, or the code of its CALLERROR; empty where it gave none."""
    if isinstance(answer, MeshError):
        return answer.metadata.get("ocpp_error_code", "") if answer.reason is Reason.CALL_ERROR else ""
    info = getattr(answer, "status_info", None)
    return "" if info is None else str(info.reason_code)

"""Reset, 1.6 section 5.14."""

from collections.abc import Sequence

from csms.station.v1.command_service_pb2 import RESET_TYPE_UNSPECIFIED, ResetRequest, ResetResponse

from gateway.ocpp.enums import RESET_STATUSES, RESET_TYPES_16, words
from gateway.ocpp.translation import Outbound, Payload, UnacceptableError

_TYPE_WORDS = words(RESET_TYPES_16)
_DEFAULT = "Soft"


def to_calls(command: ResetRequest) -> Sequence[Payload]:
    """A restart of the station. UnacceptableError for one EVSE: 1.6 would restart the whole station instead."""
    if command.evse_id:
        raise UnacceptableError("NotSupported", "evse_id", "OCPP 1.6 can only restart the whole station")
    if command.type == RESET_TYPE_UNSPECIFIED:
        return [{"type": _DEFAULT}]
    if command.type not in _TYPE_WORDS:
        raise UnacceptableError("NotSupported", "type", "OCPP 1.6 has ON_IDLE (Soft) and IMMEDIATE (Hard) only")
    return [{"type": _TYPE_WORDS[command.type]}]


def to_answer(_command: ResetRequest, payloads: Sequence[Payload]) -> ResetResponse:
    """Whether it will."""
    [payload] = payloads
    return ResetResponse(status=RESET_STATUSES[payload["status"]])


OUTBOUND = Outbound(action="Reset", to_calls=to_calls, to_answer=to_answer)

"""Reset, B11 and B12."""

from collections.abc import Sequence

from csms.station.v1.command_service_pb2 import (
    RESET_TYPE_ON_IDLE,
    RESET_TYPE_UNSPECIFIED,
    ResetRequest,
    ResetResponse,
)

from gateway.ocpp.checks import check_not_negative
from gateway.ocpp.enums import RESET_STATUSES, RESET_TYPES, words
from gateway.ocpp.translation import Outbound, Payload, UnacceptableError
from gateway.ocpp.v2.parts import status_info

_TYPE_WORDS = words(RESET_TYPES)
_TYPE_WORDS[RESET_TYPE_UNSPECIFIED] = _TYPE_WORDS[RESET_TYPE_ON_IDLE]


def to_calls(command: ResetRequest) -> Sequence[Payload]:
    """A restart of the station, or of one EVSE."""
    word = _TYPE_WORDS.get(command.type)
    if word is None:
        raise UnacceptableError("NotSupported", "type", "OCPP 2.0.1 has ON_IDLE and IMMEDIATE only")
    payload: Payload = {"type": word}
    if check_not_negative(command.evse_id, "evse_id"):
        payload["evseId"] = command.evse_id
    return [payload]


def to_answer(_command: ResetRequest, payloads: Sequence[Payload]) -> ResetResponse:
    """Whether it will."""
    [payload] = payloads
    return ResetResponse(status=RESET_STATUSES[payload["status"]], status_info=status_info(payload))


OUTBOUND = Outbound(action="Reset", to_calls=to_calls, to_answer=to_answer)

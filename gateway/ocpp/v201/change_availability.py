"""ChangeAvailability, G03 and G04."""

from collections.abc import Sequence

from csms.station.v1.command_service_pb2 import ChangeAvailabilityRequest, ChangeAvailabilityResponse

from gateway.ocpp.enums import CHANGE_AVAILABILITY_STATUSES, OPERATIONAL_STATUSES, words
from gateway.ocpp.translation import Outbound, Payload, UnacceptableError
from gateway.ocpp.v2.parts import evse_payload, status_info

_STATUS_WORDS = words(OPERATIONAL_STATUSES)


def to_calls(command: ChangeAvailabilityRequest) -> Sequence[Payload]:
    """The station, an EVSE or a connector, in or out of service."""
    word = _STATUS_WORDS.get(command.operational_status)
    if word is None:
        raise UnacceptableError("PropertyConstraintViolation", "operational_status", "must be OPERATIVE or INOPERATIVE")
    evse = evse_payload(command.evse, "evse")
    payload: Payload = {"operationalStatus": word}
    return [payload if evse is None else {**payload, "evse": evse}]


def to_answer(_command: ChangeAvailabilityRequest, payloads: Sequence[Payload]) -> ChangeAvailabilityResponse:
    """Whether it did."""
    [payload] = payloads
    return ChangeAvailabilityResponse(
        status=CHANGE_AVAILABILITY_STATUSES[payload["status"]], status_info=status_info(payload)
    )


OUTBOUND = Outbound(action="ChangeAvailability", to_calls=to_calls, to_answer=to_answer)

"""ChangeAvailability, 1.6 section 5.2."""

from collections.abc import Sequence

from csms.station.v1.command_service_pb2 import ChangeAvailabilityRequest, ChangeAvailabilityResponse

from gateway.ocpp.enums import CHANGE_AVAILABILITY_STATUSES, OPERATIONAL_STATUSES, words
from gateway.ocpp.translation import Outbound, Payload, UnacceptableError
from gateway.ocpp.v16.parts import to_connector_id

_TYPE_WORDS = words(OPERATIONAL_STATUSES)


def to_calls(command: ChangeAvailabilityRequest) -> Sequence[Payload]:
    """A connector in or out of service; connector 0 is the whole station."""
    word = _TYPE_WORDS.get(command.operational_status)
    if word is None:
        raise UnacceptableError("PropertyConstraintViolation", "operational_status", "must be OPERATIVE or INOPERATIVE")
    return [{"connectorId": to_connector_id(command.evse, "evse"), "type": word}]


def to_answer(_command: ChangeAvailabilityRequest, payloads: Sequence[Payload]) -> ChangeAvailabilityResponse:
    """Whether it did."""
    [payload] = payloads
    return ChangeAvailabilityResponse(status=CHANGE_AVAILABILITY_STATUSES[payload["status"]])


OUTBOUND = Outbound(action="ChangeAvailability", to_calls=to_calls, to_answer=to_answer)

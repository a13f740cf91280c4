"""CancelReservation, H02."""

from collections.abc import Sequence

from csms.station.v1.reservation_pb2 import CancelReservationRequest, CancelReservationResponse

from gateway.ocpp.enums import CANCEL_RESERVATION_STATUSES
from gateway.ocpp.translation import Outbound, Payload, UnacceptableError
from gateway.ocpp.v2.parts import status_info


def to_calls(command: CancelReservationRequest) -> Sequence[Payload]:
    """The reservation by its number."""
    if not command.reservation_id:
        raise UnacceptableError("OccurrenceConstraintViolation", "reservation_id", "is required")
    return [{"reservationId": command.reservation_id}]


def to_answer(_command: CancelReservationRequest, payloads: Sequence[Payload]) -> CancelReservationResponse:
    """Whether it was cancelled."""
    [payload] = payloads
    return CancelReservationResponse(
        status=CANCEL_RESERVATION_STATUSES[payload["status"]], status_info=status_info(payload)
    )


OUTBOUND = Outbound(action="CancelReservation", to_calls=to_calls, to_answer=to_answer)

"""ReserveNow, 1.6 section 5.13."""

from collections.abc import Sequence

from csms.station.v1.reservation_pb2 import ReserveNowRequest, ReserveNowResponse

from gateway.ocpp.checks import check_given, check_length, check_not_negative, check_time
from gateway.ocpp.enums import RESERVE_NOW_STATUSES
from gateway.ocpp.translation import Outbound, Payload, UnacceptableError
from gateway.ocpp.v16.parts import MAX_ID_TAG


def to_calls(command: ReserveNowRequest) -> Sequence[Payload]:
    """A reservation of a connector, or (0) of any. 1.6 has no types of tokens; they stay behind.

    UnacceptableError for a type of connectors: a place reserved without it would be another one than was wanted.
    """
    if command.connector_type:
        raise UnacceptableError("NotSupported", "connector_type", "OCPP 1.6 reserves a connector or any, not a type")
    id_tag = check_given(command.id_token.id_token, "id_token.id_token")
    payload: Payload = {
        "connectorId": check_not_negative(command.evse_id, "evse_id"),
        "expiryDate": check_time(command.expire_time, "expire_time"),
        "idTag": check_length(id_tag, MAX_ID_TAG, "id_token.id_token"),
        "reservationId": command.reservation_id,
    }
    if group := command.group_id_token.id_token:
        payload["parentIdTag"] = check_length(group, MAX_ID_TAG, "group_id_token.id_token")
    return [payload]


def to_answer(command: ReserveNowRequest, payloads: Sequence[Payload]) -> ReserveNowResponse:
    """Whether the place is kept."""
    [payload] = payloads
    return ReserveNowResponse(status=RESERVE_NOW_STATUSES[payload["status"]], reservation_id=command.reservation_id)


OUTBOUND = Outbound(action="ReserveNow", to_calls=to_calls, to_answer=to_answer)

"""ReserveNow, H01."""

from collections.abc import Sequence

from csms.station.v1.reservation_pb2 import ReserveNowRequest, ReserveNowResponse

from gateway.ocpp.checks import check_not_negative, check_time
from gateway.ocpp.enums import RESERVE_NOW_STATUSES
from gateway.ocpp.translation import Outbound, Payload, UnacceptableError
from gateway.ocpp.v2.parts import id_token_payload, status_info

# ConnectorEnumType.
CONNECTOR_TYPES = frozenset(
    {
        *("cCCS1", "cCCS2", "cG105", "cTesla", "cType1", "cType2"),
        *("s309-1P-16A", "s309-1P-32A", "s309-3P-16A", "s309-3P-32A"),
        *("sBS1361", "sCEE-7-7", "sType2", "sType3"),
        *("Other1PhMax16A", "Other1PhOver16A", "Other3Ph", "Pan", "wInductive", "wResonant"),
        *("Undetermined", "Unknown"),
    }
)


def to_calls(command: ReserveNowRequest) -> Sequence[Payload]:
    """A reservation of an EVSE, of any EVSE, or of any connector of a type (H01.FR.06, .07 and .24 in our reading)."""
    payload: Payload = {
        "id": command.reservation_id,
        "expiryDateTime": check_time(command.expire_time, "expire_time"),
        "idToken": id_token_payload(command.id_token, "id_token"),
    }
    if check_not_negative(command.evse_id, "evse_id"):
        payload["evseId"] = command.evse_id
    if command.connector_type:
        payload["connectorType"] = _connector_type(command)
    if command.group_id_token.id_token:
        payload["groupIdToken"] = id_token_payload(command.group_id_token, "group_id_token")
    return [payload]


def _connector_type(command: ReserveNowRequest) -> str:
    if command.connector_type not in CONNECTOR_TYPES:
        known = ", ".join(sorted(CONNECTOR_TYPES))
        raise UnacceptableError("PropertyConstraintViolation", "connector_type", f"must be one of {known}")
    if command.evse_id:
        raise UnacceptableError(
            "PropertyConstraintViolation", "connector_type", "selects among all EVSEs: give an EVSE or a type, not both"
        )
    return command.connector_type


def to_answer(command: ReserveNowRequest, payloads: Sequence[Payload]) -> ReserveNowResponse:
    """Whether the place is kept."""
    [payload] = payloads
    return ReserveNowResponse(
        status=RESERVE_NOW_STATUSES[payload["status"]],
        status_info=status_info(payload),
        reservation_id=command.reservation_id,
    )


OUTBOUND = Outbound(action="ReserveNow", to_calls=to_calls, to_answer=to_answer)

"""RemoteStartTransaction, 1.6 section 5.11."""

from collections.abc import Sequence

from csms.station.v1.command_service_pb2 import RequestStartTransactionRequest, RequestStartTransactionResponse

from gateway.ocpp.charging_profiles import check_start_profile
from gateway.ocpp.checks import check_given, check_length, check_not_negative
from gateway.ocpp.enums import REQUEST_START_STOP_STATUSES
from gateway.ocpp.translation import Outbound, Payload
from gateway.ocpp.v16 import charging_profiles
from gateway.ocpp.v16.parts import MAX_ID_TAG


def to_calls(command: RequestStartTransactionRequest) -> Sequence[Payload]:
    """A start for an id tag. 1.6 has no types of tokens and no remote_start_id; both stay behind."""
    id_tag = check_given(command.id_token.id_token, "id_token.id_token")
    payload: Payload = {"idTag": check_length(id_tag, MAX_ID_TAG, "id_token.id_token")}
    if check_not_negative(command.evse_id, "evse_id"):
        payload["connectorId"] = command.evse_id
    if command.HasField("charging_profile"):
        payload["chargingProfile"] = charging_profiles.to_payload(command.charging_profile, "charging_profile")
        check_start_profile(command.charging_profile, command.evse_id, "charging_profile")
    return [payload]


def to_answer(command: RequestStartTransactionRequest, payloads: Sequence[Payload]) -> RequestStartTransactionResponse:
    """Whether the station will try."""
    [payload] = payloads
    return RequestStartTransactionResponse(
        status=REQUEST_START_STOP_STATUSES[payload["status"]],
        charging_profile_id=command.charging_profile.charging_profile_id,
    )


OUTBOUND = Outbound(action="RemoteStartTransaction", to_calls=to_calls, to_answer=to_answer)

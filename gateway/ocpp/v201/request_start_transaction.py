"""RequestStartTransaction, F01 and F02."""

from collections.abc import Sequence

from csms.station.v1.command_service_pb2 import RequestStartTransactionRequest, RequestStartTransactionResponse

from gateway.ocpp.charging_profiles import check_start_profile
from gateway.ocpp.checks import check_not_negative
from gateway.ocpp.enums import REQUEST_START_STOP_STATUSES
from gateway.ocpp.translation import Outbound, Payload, UnacceptableError
from gateway.ocpp.v2 import charging_profiles
from gateway.ocpp.v2.parts import id_token_payload, status_info


def to_calls(command: RequestStartTransactionRequest) -> Sequence[Payload]:
    """A start for an id token; one without a type gets "Central"."""
    if not command.HasField("remote_start_id"):
        raise UnacceptableError("OccurrenceConstraintViolation", "remote_start_id", "is required")
    payload: Payload = {
        "idToken": id_token_payload(command.id_token, "id_token"),
        "remoteStartId": command.remote_start_id,
    }
    if check_not_negative(command.evse_id, "evse_id"):
        payload["evseId"] = command.evse_id
    if command.HasField("charging_profile"):
        payload["chargingProfile"] = charging_profiles.to_payload(command.charging_profile, "charging_profile")
        check_start_profile(command.charging_profile, command.evse_id, "charging_profile")
    return [payload]


def to_answer(command: RequestStartTransactionRequest, payloads: Sequence[Payload]) -> RequestStartTransactionResponse:
    """Whether the station will try, and for which transaction where one was under way."""
    [payload] = payloads
    return RequestStartTransactionResponse(
        status=REQUEST_START_STOP_STATUSES[payload["status"]],
        status_info=status_info(payload),
        transaction_id=payload.get("transactionId", ""),
        charging_profile_id=command.charging_profile.charging_profile_id,
        remote_start_id=command.remote_start_id,
    )


OUTBOUND = Outbound(action="RequestStartTransaction", to_calls=to_calls, to_answer=to_answer)

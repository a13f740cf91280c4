"""SetChargingProfile, K01."""

from collections.abc import Sequence

from csms.station.v1.charging_profile_pb2 import (
    CHARGING_PROFILE_PURPOSE_TX_PROFILE,
    SetChargingProfileRequest,
    SetChargingProfileResponse,
)

from gateway.ocpp.charging_profiles import check_profile
from gateway.ocpp.enums import CHARGING_PROFILE_STATUSES
from gateway.ocpp.translation import Outbound, Payload, UnacceptableError
from gateway.ocpp.v2 import charging_profiles
from gateway.ocpp.v2.parts import status_info


def to_calls(command: SetChargingProfileRequest) -> Sequence[Payload]:
    """The profile, for one EVSE or (0) the station. One for a transaction has to name it (K01.FR.03)."""
    profile = command.charging_profile
    payload = charging_profiles.to_payload(profile, "charging_profile")
    check_profile(profile, command.evse_id, "charging_profile")
    if profile.purpose == CHARGING_PROFILE_PURPOSE_TX_PROFILE and not profile.transaction_id:
        raise UnacceptableError(
            "OccurrenceConstraintViolation", "charging_profile.transaction_id", "is required for TX_PROFILE"
        )
    return [{"evseId": command.evse_id, "chargingProfile": payload}]


def to_answer(command: SetChargingProfileRequest, payloads: Sequence[Payload]) -> SetChargingProfileResponse:
    """Whether the station accepted the profile."""
    [payload] = payloads
    return SetChargingProfileResponse(
        status=CHARGING_PROFILE_STATUSES[payload["status"]],
        status_info=status_info(payload),
        charging_profile_id=command.charging_profile.charging_profile_id,
    )


OUTBOUND = Outbound(action="SetChargingProfile", to_calls=to_calls, to_answer=to_answer)

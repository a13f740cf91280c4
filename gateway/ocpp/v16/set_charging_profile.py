"""SetChargingProfile, 1.6 section 5.16."""

from collections.abc import Sequence

from csms.common.v1.status_info_pb2 import StatusInfo
from csms.station.v1.charging_profile_pb2 import SetChargingProfileRequest, SetChargingProfileResponse

from gateway.ocpp.charging_profiles import check_profile
from gateway.ocpp.enums import CHARGING_PROFILE_STATUSES
from gateway.ocpp.translation import Outbound, Payload
from gateway.ocpp.v16 import charging_profiles

# 2.x has no such status; this is its reason code for what a station does not do at all.
_NOT_SUPPORTED = StatusInfo(reason_code="UnsupportedRequest", additional_info="NotSupported")


def to_calls(command: SetChargingProfileRequest) -> Sequence[Payload]:
    """The profile, for one connector or (0) the station."""
    profile = charging_profiles.to_payload(command.charging_profile, "charging_profile")
    check_profile(command.charging_profile, command.evse_id, "charging_profile")
    return [{"connectorId": command.evse_id, "csChargingProfiles": profile}]


def to_answer(command: SetChargingProfileRequest, payloads: Sequence[Payload]) -> SetChargingProfileResponse:
    """Whether the station accepted the profile."""
    [payload] = payloads
    return SetChargingProfileResponse(
        status=CHARGING_PROFILE_STATUSES[payload["status"]],
        status_info=_NOT_SUPPORTED if payload["status"] == "NotSupported" else None,
        charging_profile_id=command.charging_profile.charging_profile_id,
    )


OUTBOUND = Outbound(action="SetChargingProfile", to_calls=to_calls, to_answer=to_answer)

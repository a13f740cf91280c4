"""ClearChargingProfile, 1.6 section 5.5."""

from collections.abc import Sequence

from csms.station.v1.charging_profile_pb2 import (
    CHARGING_PROFILE_PURPOSE_UNSPECIFIED,
    ClearChargingProfileCriteria,
    ClearChargingProfileRequest,
    ClearChargingProfileResponse,
)

from gateway.ocpp.checks import check_not_negative
from gateway.ocpp.enums import CLEAR_CHARGING_PROFILE_STATUSES
from gateway.ocpp.translation import Outbound, Payload, UnacceptableError
from gateway.ocpp.v16.charging_profiles import purpose_word


def to_calls(command: ClearChargingProfileRequest) -> Sequence[Payload]:
    """One profile by its number, or those that meet the criteria. UnacceptableError where both are given."""
    if not command.HasField("charging_profile_id"):
        return [_to_criteria(command.criteria)]
    if command.HasField("criteria"):
        raise UnacceptableError(
            "PropertyConstraintViolation", "criteria", "cannot stand beside charging_profile_id, which says it all"
        )
    return [{"id": command.charging_profile_id}]


def _to_criteria(criteria: ClearChargingProfileCriteria) -> Payload:
    payload: Payload = {}
    if criteria.HasField("evse_id"):
        payload["connectorId"] = check_not_negative(criteria.evse_id, "criteria.evse_id")
    if criteria.purpose != CHARGING_PROFILE_PURPOSE_UNSPECIFIED:
        payload["chargingProfilePurpose"] = purpose_word(criteria.purpose, "criteria.purpose")
    if criteria.HasField("stack_level"):
        payload["stackLevel"] = check_not_negative(criteria.stack_level, "criteria.stack_level")
    return payload


def to_answer(_command: ClearChargingProfileRequest, payloads: Sequence[Payload]) -> ClearChargingProfileResponse:
    """Whether there was something to clear."""
    [payload] = payloads
    return ClearChargingProfileResponse(status=CLEAR_CHARGING_PROFILE_STATUSES[payload["status"]])


OUTBOUND = Outbound(action="ClearChargingProfile", to_calls=to_calls, to_answer=to_answer)

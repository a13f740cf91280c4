"""ClearChargingProfile, K10."""

from collections.abc import Sequence

from csms.station.v1.charging_profile_pb2 import (
    CHARGING_PROFILE_PURPOSE_CHARGING_STATION_EXTERNAL_CONSTRAINTS,
    CHARGING_PROFILE_PURPOSE_UNSPECIFIED,
    ClearChargingProfileCriteria,
    ClearChargingProfileRequest,
    ClearChargingProfileResponse,
)

from gateway.ocpp.checks import check_not_negative
from gateway.ocpp.enums import CLEAR_CHARGING_PROFILE_STATUSES
from gateway.ocpp.translation import Outbound, Payload, UnacceptableError
from gateway.ocpp.v2.charging_profiles import purpose_word
from gateway.ocpp.v2.parts import status_info

_OURS = ("ChargingStationMaxProfile", "TxDefaultProfile", "TxProfile")


def to_calls(command: ClearChargingProfileRequest) -> Sequence[Payload]:
    """One profile by its number, or those that meet the criteria. UnacceptableError where both are given.

    2.x has no word for all profiles: a request has to name a number or a criterion (K10.FR.02). So there is a CALL for
    each purpose that a central system sets.
    """
    if command.HasField("charging_profile_id"):
        if command.HasField("criteria"):
            raise UnacceptableError(
                "PropertyConstraintViolation", "criteria", "cannot stand beside charging_profile_id, which says it all"
            )
        return [{"chargingProfileId": command.charging_profile_id}]
    criteria = _to_criteria(command.criteria)
    if criteria:
        return [{"chargingProfileCriteria": criteria}]
    return [{"chargingProfileCriteria": {"chargingProfilePurpose": purpose}} for purpose in _OURS]


def _to_criteria(criteria: ClearChargingProfileCriteria) -> Payload:
    payload: Payload = {}
    if criteria.HasField("evse_id"):
        payload["evseId"] = check_not_negative(criteria.evse_id, "criteria.evse_id")
    if criteria.purpose == CHARGING_PROFILE_PURPOSE_CHARGING_STATION_EXTERNAL_CONSTRAINTS:
        raise UnacceptableError(
            "PropertyConstraintViolation",
            "criteria.purpose",
            "is for limits from elsewhere, which are not cleared from here",
        )
    if criteria.purpose != CHARGING_PROFILE_PURPOSE_UNSPECIFIED:
        payload["chargingProfilePurpose"] = purpose_word(criteria.purpose, "criteria.purpose")
    if criteria.HasField("stack_level"):
        payload["stackLevel"] = check_not_negative(criteria.stack_level, "criteria.stack_level")
    return payload


def to_answer(_command: ClearChargingProfileRequest, payloads: Sequence[Payload]) -> ClearChargingProfileResponse:
    """Whether there was something to clear."""
    answer = next((one for one in payloads if one["status"] == "Accepted"), payloads[0])
    return ClearChargingProfileResponse(
        status=CLEAR_CHARGING_PROFILE_STATUSES[answer["status"]], status_info=status_info(answer)
    )


OUTBOUND = Outbound(action="ClearChargingProfile", to_calls=to_calls, to_answer=to_answer)

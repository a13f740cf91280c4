"""GetChargingProfiles, K09."""

from collections.abc import Sequence

from csms.station.v1.charging_profile_pb2 import (
    CHARGING_PROFILE_PURPOSE_UNSPECIFIED,
    GetChargingProfilesCriteria,
    GetChargingProfilesRequest,
    GetChargingProfilesResponse,
)

from gateway.ocpp.checks import check_not_negative
from gateway.ocpp.enums import CHARGING_LIMIT_SOURCES, GET_CHARGING_PROFILES_STATUSES, words
from gateway.ocpp.translation import Outbound, Payload, UnacceptableError
from gateway.ocpp.v2.charging_profiles import purpose_word
from gateway.ocpp.v2.parts import status_info

_SOURCE_WORDS = words(CHARGING_LIMIT_SOURCES)
_MOST_SOURCES = 4


def to_calls(command: GetChargingProfilesRequest) -> Sequence[Payload]:
    """The question, with the number that the reports will have."""
    if command.report_id <= 0:
        raise UnacceptableError("PropertyConstraintViolation", "report_id", "must be a number from 1")
    payload: Payload = {"requestId": command.report_id, "chargingProfile": _to_criterion(command.criteria)}
    if command.HasField("evse"):
        if command.evse.connector_id:
            raise UnacceptableError(
                "PropertyConstraintViolation", "evse.connector_id", "is not taken: profiles are of EVSEs"
            )
        payload["evseId"] = check_not_negative(command.evse.evse_id, "evse.evse_id")
    return [payload]


def _to_criterion(criteria: GetChargingProfilesCriteria) -> Payload:
    payload: Payload = {}
    if criteria.purpose != CHARGING_PROFILE_PURPOSE_UNSPECIFIED:
        payload["chargingProfilePurpose"] = purpose_word(criteria.purpose, "criteria.purpose")
    if criteria.HasField("stack_level"):
        payload["stackLevel"] = check_not_negative(criteria.stack_level, "criteria.stack_level")
    if criteria.limit_sources:
        payload["chargingLimitSource"] = _sources(criteria)
    if not criteria.charging_profile_ids:
        return payload
    if payload:
        raise UnacceptableError(
            "PropertyConstraintViolation",
            "criteria.charging_profile_ids",
            "cannot stand beside other criteria: numbers say it all",
        )
    return {"chargingProfileId": list(criteria.charging_profile_ids)}


def _sources(criteria: GetChargingProfilesCriteria) -> Sequence[str]:
    if len(criteria.limit_sources) > _MOST_SOURCES:
        raise UnacceptableError("OccurrenceConstraintViolation", "criteria.limit_sources", "must be up to four")
    sources = [_SOURCE_WORDS.get(source) for source in criteria.limit_sources]
    known = [word for word in sources if word is not None]
    if len(known) < len(sources):
        names = ", ".join(_SOURCE_WORDS.values())
        raise UnacceptableError("PropertyConstraintViolation", "criteria.limit_sources", f"must be of {names}")
    return known


def to_answer(command: GetChargingProfilesRequest, payloads: Sequence[Payload]) -> GetChargingProfilesResponse:
    """Whether it will report profiles."""
    [payload] = payloads
    return GetChargingProfilesResponse(
        status=GET_CHARGING_PROFILES_STATUSES[payload["status"]],
        status_info=status_info(payload),
        report_id=command.report_id,
    )


OUTBOUND = Outbound(action="GetChargingProfiles", to_calls=to_calls, to_answer=to_answer)

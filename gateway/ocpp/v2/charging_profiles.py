"""Charging profiles as OCPP 2.x has them, part 2, ChargingProfileType."""

from csms.station.v1.charging_profile_pb2 import (
    CHARGING_LIMIT_SOURCE_OTHER,
    CHARGING_PROFILE_KIND_UNSPECIFIED,
    CHARGING_PROFILE_PURPOSE_UNSPECIFIED,
    RECURRENCY_KIND_UNSPECIFIED,
    ChargingLimitSource,
    ChargingProfile,
    ChargingProfilePurpose,
)

from gateway.ocpp.checks import check_int32, check_length, check_time
from gateway.ocpp.enums import (
    CHARGING_LIMIT_SOURCES,
    CHARGING_PROFILE_KINDS,
    CHARGING_PROFILE_PURPOSES,
    RECURRENCY_KINDS,
    words,
)
from gateway.ocpp.translation import Payload, UnacceptableError
from gateway.ocpp.v2.charging_schedules import schedule_payload, to_schedules
from gateway.ocpp.values import parse_us, set_time

_KIND_WORDS = words(CHARGING_PROFILE_KINDS)
_PURPOSE_WORDS = words(CHARGING_PROFILE_PURPOSES)
_RECURRENCY_WORDS = words(RECURRENCY_KINDS)
# Those of 2.1 beyond these are unknown to 2.0.1.
_PURPOSES = frozenset(
    {"ChargingStationExternalConstraints", "ChargingStationMaxProfile", "TxDefaultProfile", "TxProfile"}
)
_KINDS = frozenset({"Absolute", "Recurring", "Relative"})
_MOST_SCHEDULES = 3
_MOST_TRANSACTION_ID = 36


# To the station


def purpose_word(purpose: ChargingProfilePurpose.ValueType, field: str) -> str:
    """2.0.1's word for a purpose. UnacceptableError NotSupported for one that it does not have."""
    word = _PURPOSE_WORDS.get(purpose)
    if word not in _PURPOSES:
        raise _unknown(field, _PURPOSES)
    return word


def to_payload(profile: ChargingProfile, field: str) -> Payload:
    """2.0.1's ChargingProfile, for a consistent profile (gateway/ocpp/charging_profiles.py).

    UnacceptableError for values that 2.0.1 cannot express. A schedule without a number gets its position in the
    profile.
    """
    kind = _KIND_WORDS.get(profile.kind)
    purpose = purpose_word(profile.purpose, f"{field}.purpose")
    if kind not in _KINDS:
        raise _unknown(f"{field}.kind", _KINDS)
    if not 1 <= len(profile.schedules) <= _MOST_SCHEDULES:
        raise UnacceptableError("OccurrenceConstraintViolation", f"{field}.schedules", "one to three are needed")
    payload: Payload = {
        "id": profile.charging_profile_id,
        "stackLevel": profile.stack_level,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": kind,
        "chargingSchedule": [
            schedule_payload(schedule, index + 1, f"{field}.schedules[{index}]")
            for index, schedule in enumerate(profile.schedules)
        ],
    }
    return payload | _optional(profile, field)


def _optional(profile: ChargingProfile, field: str) -> Payload:
    payload: Payload = {}
    if profile.transaction_id:
        payload["transactionId"] = check_length(profile.transaction_id, _MOST_TRANSACTION_ID, f"{field}.transaction_id")
    if profile.recurrency_kind != RECURRENCY_KIND_UNSPECIFIED:
        word = _RECURRENCY_WORDS.get(profile.recurrency_kind)
        if word is None:
            raise _unknown(f"{field}.recurrency_kind", frozenset(RECURRENCY_KINDS))
        payload["recurrencyKind"] = word
    for name, key in (("valid_from", "validFrom"), ("valid_to", "validTo")):
        if profile.HasField(name):  # type: ignore[arg-type]
            payload[key] = check_time(getattr(profile, name), f"{field}.{name}")
    return payload


def _unknown(field: str, known: frozenset[str]) -> UnacceptableError:
    return UnacceptableError("NotSupported", field, f"OCPP 2.0.1 has {', '.join(sorted(known))} only")


# From the station


def limit_source(word: str) -> ChargingLimitSource.ValueType:
    """The source of a limit; a word that OCPP does not have is another one."""
    return CHARGING_LIMIT_SOURCES.get(word, CHARGING_LIMIT_SOURCE_OTHER)


def to_profile(payload: Payload, field: str) -> ChargingProfile:
    """A ChargingProfileType as a station sent it. UnacceptableError for numbers that cannot be stored."""
    profile = ChargingProfile(
        charging_profile_id=check_int32(payload["id"], f"{field}.id"),
        stack_level=check_int32(payload["stackLevel"], f"{field}.stackLevel"),
        purpose=CHARGING_PROFILE_PURPOSES.get(payload["chargingProfilePurpose"], CHARGING_PROFILE_PURPOSE_UNSPECIFIED),
        kind=CHARGING_PROFILE_KINDS.get(payload["chargingProfileKind"], CHARGING_PROFILE_KIND_UNSPECIFIED),
        transaction_id=payload.get("transactionId", ""),
        schedules=to_schedules(payload["chargingSchedule"], f"{field}.chargingSchedule"),
    )
    if "recurrencyKind" in payload:
        profile.recurrency_kind = RECURRENCY_KINDS.get(payload["recurrencyKind"], RECURRENCY_KIND_UNSPECIFIED)
    for name, key in (("valid_from", "validFrom"), ("valid_to", "validTo")):
        us = parse_us(payload.get(key, ""))
        if us is not None:
            set_time(getattr(profile, name), us)
    return profile

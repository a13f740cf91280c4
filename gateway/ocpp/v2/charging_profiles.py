"""Charging profiles as OCPP 2.x has them, part 2, ChargingProfileType."""

from csms.station.v1.charging_profile_pb2 import (
    RECURRENCY_KIND_UNSPECIFIED,
    ChargingProfile,
    ChargingSchedulePeriod,
)

from gateway.ocpp.charging_profiles import DECIMALS, to_schedule
from gateway.ocpp.checks import check_decimal, check_length, check_time
from gateway.ocpp.enums import (
    CHARGING_PROFILE_KINDS,
    CHARGING_PROFILE_PURPOSES,
    RECURRENCY_KINDS,
    words,
)
from gateway.ocpp.translation import Payload, UnacceptableError

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


def to_payload(profile: ChargingProfile, field: str) -> Payload:
    """2.0.1's ChargingProfile, for a consistent profile (gateway/ocpp/charging_profiles.py).

    UnacceptableError for values that 2.0.1 cannot express. A schedule without a number gets its position in the
    profile.
    """
    purpose, kind = _PURPOSE_WORDS.get(profile.purpose), _KIND_WORDS.get(profile.kind)
    if purpose not in _PURPOSES:
        raise _unknown(f"{field}.purpose", _PURPOSES)
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
            {
                "id": schedule.charging_schedule_id or index + 1,
                **to_schedule(schedule, f"{field}.schedules[{index}]", _to_period),
            }
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


def _to_period(period: ChargingSchedulePeriod, field: str) -> Payload:
    payload: Payload = {
        "startPeriod": period.start_period_s,
        "limit": check_decimal(period.limit, DECIMALS, f"{field}.limit"),
    }
    if period.HasField("number_phases"):
        payload["numberPhases"] = period.number_phases
    if period.HasField("phase_to_use"):
        payload["phaseToUse"] = period.phase_to_use
    return payload


def _unknown(field: str, known: frozenset[str]) -> UnacceptableError:
    return UnacceptableError("NotSupported", field, f"OCPP 2.0.1 has {', '.join(sorted(known))} only")

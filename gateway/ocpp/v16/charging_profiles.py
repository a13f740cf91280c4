"""Charging profiles as 1.6 has them, section 7.8 and the types it names."""

from collections.abc import Sequence

from csms.station.v1.charging_profile_pb2 import (
    RECURRENCY_KIND_UNSPECIFIED,
    ChargingProfile,
    ChargingProfilePurpose,
    ChargingSchedulePeriod,
)

from gateway.ocpp.charging_profiles import DECIMALS, to_rate, to_schedule
from gateway.ocpp.checks import check_decimal, check_int32, check_time
from gateway.ocpp.enums import (
    CHARGING_PROFILE_KINDS,
    CHARGING_PROFILE_PURPOSES_16,
    RECURRENCY_KINDS,
    words,
)
from gateway.ocpp.translation import Payload, UnacceptableError
from gateway.ocpp.v16.parts import transaction_number

_KIND_WORDS = words(CHARGING_PROFILE_KINDS)
_PURPOSE_WORDS = words(CHARGING_PROFILE_PURPOSES_16)
_RECURRENCY_WORDS = words(RECURRENCY_KINDS)
# The kinds of 2.1 beyond these are unknown to 1.6.
_KINDS = frozenset({"Absolute", "Recurring", "Relative"})


# To the station


def purpose_word(purpose: ChargingProfilePurpose.ValueType, field: str) -> str:
    """1.6's word for a purpose. UnacceptableError NotSupported for one that it does not have."""
    word = _PURPOSE_WORDS.get(purpose)
    if word is None:
        raise UnacceptableError("NotSupported", field, f"OCPP 1.6 has {', '.join(_PURPOSE_WORDS.values())} only")
    return word


def to_payload(profile: ChargingProfile, field: str) -> Payload:
    """1.6's ChargingProfile, for a consistent profile (gateway/ocpp/charging_profiles.py).

    UnacceptableError for values that 1.6 cannot express: several schedules, the phase to use, more than one decimal.
    """
    kind = _KIND_WORDS.get(profile.kind)
    if kind not in _KINDS:
        raise UnacceptableError("NotSupported", f"{field}.kind", f"OCPP 1.6 has {', '.join(sorted(_KINDS))} only")
    if len(profile.schedules) != 1:
        raise UnacceptableError(
            "NotSupported",
            f"{field}.schedules",
            f"OCPP 1.6 has one schedule in a profile, not {len(profile.schedules)}",
        )
    payload: Payload = {
        "chargingProfileId": profile.charging_profile_id,
        "stackLevel": profile.stack_level,
        "chargingProfilePurpose": purpose_word(profile.purpose, f"{field}.purpose"),
        "chargingProfileKind": kind,
        "chargingSchedule": to_schedule(profile.schedules[0], f"{field}.schedules[0]", _to_period),
    }
    return payload | _optional(profile, field)


def _optional(profile: ChargingProfile, field: str) -> Payload:
    payload: Payload = {}
    if profile.transaction_id:
        payload["transactionId"] = transaction_number(profile.transaction_id, f"{field}.transaction_id")
    if profile.recurrency_kind != RECURRENCY_KIND_UNSPECIFIED:
        word = _RECURRENCY_WORDS.get(profile.recurrency_kind)
        if word is None:
            raise UnacceptableError("NotSupported", f"{field}.recurrency_kind", "OCPP 1.6 has Daily and Weekly only")
        payload["recurrencyKind"] = word
    for name, key in (("valid_from", "validFrom"), ("valid_to", "validTo")):
        if profile.HasField(name):  # type: ignore[arg-type]
            payload[key] = check_time(getattr(profile, name), f"{field}.{name}")
    return payload


def _to_period(period: ChargingSchedulePeriod, field: str) -> Payload:
    if period.HasField("phase_to_use"):
        raise UnacceptableError("NotSupported", f"{field}.phase_to_use", "OCPP 1.6 cannot choose the phase")
    payload: Payload = {
        "startPeriod": period.start_period_s,
        "limit": check_decimal(period.limit, DECIMALS, f"{field}.limit"),
    }
    if period.HasField("number_phases"):
        payload["numberPhases"] = period.number_phases
    return payload


# From the station


def to_periods(entries: Sequence[Payload]) -> list[ChargingSchedulePeriod]:
    """Periods as a station sent them. UnacceptableError for numbers that cannot be stored."""
    return [_to_reported_period(entry, f"chargingSchedulePeriod[{index}]") for index, entry in enumerate(entries)]


def _to_reported_period(entry: Payload, field: str) -> ChargingSchedulePeriod:
    return ChargingSchedulePeriod(
        start_period_s=check_int32(entry["startPeriod"], f"{field}.startPeriod"),
        limit=to_rate(entry["limit"], f"{field}.limit"),
        number_phases=check_int32(entry["numberPhases"], f"{field}.numberPhases") if "numberPhases" in entry else None,
    )

"""Charging profiles between 2.0.1's words, as the `ocpp` library hands them over, and the station's. Pure."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from simulator.charging import CompositeSchedule
from simulator.charging_profiles import Kind, Profile, Purpose, Recurrency, Unit
from simulator.schedule_words import from_slots, to_moment, to_schedule
from simulator.v201.holdings import Words
from station_kit.times import format_time

_NO_TRANSACTION = 0  # a key that no transaction has
PURPOSES = {
    "ChargingStationMaxProfile": Purpose.STATION_MAX,
    "TxDefaultProfile": Purpose.TX_DEFAULT,
    "TxProfile": Purpose.TX,
}
PURPOSE_WORDS = {purpose: word for word, purpose in PURPOSES.items()}


def to_profile(words: Words, *, now: datetime, key_of: Callable[[str], int | None] = lambda _: None) -> Profile:
    """A profile of the central system; of several schedules the first. Raises KeyError for an external constraint."""
    recurrency, transaction_id = words.get("recurrency_kind"), words.get("transaction_id")
    profile = Profile(
        profile_id=words["id"],
        stack_level=words["stack_level"],
        purpose=PURPOSES[words["charging_profile_purpose"]],
        kind=Kind(words["charging_profile_kind"]),
        schedule=to_schedule(words["charging_schedule"][0]),
        recurrency=None if recurrency is None else Recurrency(recurrency),
        valid_from=to_moment(words.get("valid_from")),
        valid_to=to_moment(words.get("valid_to")),
        transaction=None if transaction_id is None else key_of(transaction_id) or _NO_TRANSACTION,
    )
    if profile.purpose is Purpose.STATION_MAX and profile.schedule.start is None:
        return replace(profile, schedule=replace(profile.schedule, start=now))
    return profile


def from_profile(profile: Profile, name_of: Callable[[int], str | None]) -> Words:
    """ChargingProfileType. `name_of` knows the names of the station's transactions."""
    schedule: Words = {
        "id": profile.profile_id,
        "charging_rate_unit": profile.schedule.unit.value,
        "charging_schedule_period": [
            {"start_period": one.start_s, "limit": one.limit}
            | ({} if one.phases is None else {"number_phases": one.phases})
            for one in profile.schedule.periods
        ],
    }
    if profile.schedule.start is not None:
        schedule["start_schedule"] = format_time(profile.schedule.start)
    if profile.schedule.duration_s is not None:
        schedule["duration"] = profile.schedule.duration_s
    words: Words = {
        "id": profile.profile_id,
        "stack_level": profile.stack_level,
        "charging_profile_purpose": PURPOSE_WORDS[profile.purpose],
        "charging_profile_kind": profile.kind.value,
        "charging_schedule": [schedule],
    }
    if profile.recurrency is not None:
        words["recurrency_kind"] = profile.recurrency.value
    if profile.transaction is not None and (name := name_of(profile.transaction)) is not None:
        words["transaction_id"] = name
    return words


def from_composite(found: CompositeSchedule, *, evse_id: int, duration_s: int, unit: Unit) -> Words:
    """CompositeScheduleType, in a unit."""
    return {
        "evse_id": evse_id,
        "duration": duration_s,
        "schedule_start": format_time(found.start),
        "charging_rate_unit": unit.value,
        "charging_schedule_period": from_slots(found, unit),
    }

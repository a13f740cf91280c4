"""Charging profiles between 1.6's words, as the `ocpp` library hands them over, and the station's. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from simulator.charging import CompositeSchedule
from simulator.charging_profiles import Kind, Profile, Purpose, Recurrency, Unit
from simulator.schedule_words import from_slots, to_moment, to_schedule
from station_kit.times import format_time

_NO_TRANSACTION = 0  # a key that no transaction has


def to_profile(
    words: Mapping[str, Any], *, now: datetime, key_of: Callable[[str], int | None] = lambda _: None
) -> Profile:
    """A profile of the central system. `key_of` knows the station's keys of its transactions. Raises ValueError.

    A schedule for the station as a whole that names no start counts from now: it has no charging to wait for.
    """
    recurrency, transaction_id = words.get("recurrency_kind"), words.get("transaction_id")
    profile = Profile(
        profile_id=words["charging_profile_id"],
        stack_level=words["stack_level"],
        purpose=Purpose(words["charging_profile_purpose"]),
        kind=Kind(words["charging_profile_kind"]),
        schedule=to_schedule(words["charging_schedule"]),
        recurrency=None if recurrency is None else Recurrency(recurrency),
        valid_from=to_moment(words.get("valid_from")),
        valid_to=to_moment(words.get("valid_to")),
        transaction=None if transaction_id is None else key_of(str(transaction_id)) or _NO_TRANSACTION,
    )
    if profile.purpose is Purpose.STATION_MAX and profile.schedule.start is None:
        return replace(profile, schedule=replace(profile.schedule, start=now))
    return profile


def from_composite(found: CompositeSchedule, *, duration_s: int, unit: Unit) -> dict[str, Any]:
    """A composite schedule, in a unit."""
    return {
        "duration": duration_s,
        "start_schedule": format_time(found.start),
        "charging_rate_unit": unit.value,
        "charging_schedule_period": from_slots(found, unit),
    }

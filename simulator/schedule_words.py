"""Charging schedules in the words that 1.6 and 2.0.1 share, as the `ocpp` library hands them over. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from simulator.charging import CompositeSchedule
from simulator.charging_profiles import Period, Schedule, Unit
from simulator.composite import in_unit
from station_kit.times import parse_time


def to_schedule(words: Mapping[str, Any]) -> Schedule:
    """A schedule of the central system. Raises ValueError."""
    return Schedule(
        unit=Unit(words["charging_rate_unit"]),
        periods=tuple(
            Period(start_s=one["start_period"], limit=float(one["limit"]), phases=one.get("number_phases"))
            for one in words["charging_schedule_period"]
        ),
        duration_s=words.get("duration"),
        start=to_moment(words.get("start_schedule")),
    )


def to_moment(text: str | None) -> datetime | None:
    """A time, or none."""
    return None if text is None else parse_time(text)


def from_slots(found: CompositeSchedule, unit: Unit) -> list[dict[str, Any]]:
    """The periods of a composite schedule, in a unit."""
    return [
        {
            "start_period": slot.start_s,
            "limit": in_unit(slot.allowance, unit, found.voltage_v),
            "number_phases": slot.allowance.phases,
        }
        for slot in found.slots
    ]

"""Charging profiles and limits, as the cases of block K set them."""

from typing import Any

from csms.station.v1 import charging_profile_pb2 as profiles

from mesh.runtime.times import now_us, to_timestamp
from tests.certification.played_station import now
from tests.certification.v201.station import ChargingStation

ACCEPTED = {"status": "Accepted"}
START = to_timestamp(now_us())
# 8.1 is a multiple of 0.1, though not in binary: a known fault of another system refused it.
PERIODS = [{"startPeriod": 0, "limit": 8.1}, {"startPeriod": 60, "limit": 10, "numberPhases": 3}]


def make_schedule(**more: Any) -> profiles.ChargingSchedule:
    """A schedule for a day, in amperes."""
    fields: dict[str, Any] = {
        "start_time": START,
        "duration_s": 86_400,
        "charging_rate_unit": profiles.CHARGING_RATE_UNIT_AMPERES,
        "periods": [
            profiles.ChargingSchedulePeriod(limit=8.1),
            profiles.ChargingSchedulePeriod(start_period_s=60, limit=10, number_phases=3),
        ],
    }
    return profiles.ChargingSchedule(**(fields | more))


def make_profile(purpose: str, **more: Any) -> profiles.ChargingProfile:
    """A profile with this purpose."""
    fields: dict[str, Any] = {
        "stack_level": 1,
        "purpose": profiles.ChargingProfilePurpose.Value(f"CHARGING_PROFILE_PURPOSE_{purpose}"),
        "kind": profiles.CHARGING_PROFILE_KIND_ABSOLUTE,
        "schedules": [make_schedule()],
    }
    return profiles.ChargingProfile(**(fields | more))


async def set_profile(
    station: ChargingStation, profile: profiles.ChargingProfile, *, evse_id: int = 1, status: str = "Accepted"
) -> tuple[Any, int]:
    """A profile is set, and answered with that status; returns what was sent of it, and its number."""
    action, payload, told = await station.told(
        "SetChargingProfile", {"status": status}, evse={"evse_id": evse_id}, charging_profile=profile
    )
    assert (action, payload["evseId"]) == ("SetChargingProfile", evse_id)
    assert profiles.ChargingProfileStatus.Name(told.status) == f"CHARGING_PROFILE_STATUS_{status.upper()}"
    sent = payload["chargingProfile"]
    assert sent["id"] == told.charging_profile_id
    for schedule in sent["chargingSchedule"]:
        assert (schedule["chargingRateUnit"], schedule["chargingSchedulePeriod"]) == ("A", PERIODS)
    return sent, told.charging_profile_id


async def set_limit(station: ChargingStation, **more: Any) -> None:
    """A system on site sets a limit."""
    schedule = {"id": 1, "chargingRateUnit": "A", "startSchedule": now(), "chargingSchedulePeriod": PERIODS}
    limit = {"chargingLimitSource": "EMS", "isGridCritical": True}
    assert await station.call("NotifyChargingLimit", chargingLimit=limit, chargingSchedule=[schedule], **more) == {}

"""The Smart Charging profile (OCPP 1.6, 5.5, 5.7, 5.16)."""

from typing import Any

from ocpp.v16 import call_result
from ocpp.v16.enums import Action, ChargingProfileStatus, ClearChargingProfileStatus, GetCompositeScheduleStatus

from simulator.charging_profiles import Purpose, Unit
from simulator.v16.actions import Actions, on
from simulator.v16.profiles import from_composite, to_profile
from station_kit.times import format_time


class ProfileActions(Actions):
    """Sets, clears and adds up charging profiles."""

    @on(Action.set_charging_profile)
    def on_set_profile(self, connector_id: int, cs_charging_profiles: dict[str, Any], **_: Any) -> Any:
        """SetChargingProfile."""
        profile = to_profile(cs_charging_profiles, now=self._station.moment(), key_of=self._memory.key_of)
        accepted = self._station.charging.install(connector_id, profile)
        status = ChargingProfileStatus.accepted if accepted else ChargingProfileStatus.rejected
        return call_result.SetChargingProfile(status=status)

    @on(Action.clear_charging_profile)
    def on_clear_profile(
        self,
        id: int | None = None,  # noqa: A002 - the library names it
        connector_id: int | None = None,
        charging_profile_purpose: str | None = None,
        stack_level: int | None = None,
        **_: Any,
    ) -> Any:
        """ClearChargingProfile."""
        cleared = self._station.charging.clear(
            profile_id=id,
            connector_id=connector_id,
            purpose=None if charging_profile_purpose is None else Purpose(charging_profile_purpose),
            stack_level=stack_level,
        )
        status = ClearChargingProfileStatus.accepted if cleared else ClearChargingProfileStatus.unknown
        return call_result.ClearChargingProfile(status=status)

    @on(Action.get_composite_schedule)
    def on_get_composite(
        self, connector_id: int, duration: int, charging_rate_unit: str | None = None, **_: Any
    ) -> Any:
        """GetCompositeSchedule, in amperes where no unit is asked for."""
        found = self._station.charging.composite(connector_id, duration)
        if found is None or duration < 0:
            return call_result.GetCompositeSchedule(status=GetCompositeScheduleStatus.rejected)
        unit = Unit(charging_rate_unit or Unit.AMPERE)
        return call_result.GetCompositeSchedule(
            status=GetCompositeScheduleStatus.accepted,
            connector_id=connector_id,
            schedule_start=format_time(found.start),
            charging_schedule=from_composite(found, duration_s=duration, unit=unit),
        )

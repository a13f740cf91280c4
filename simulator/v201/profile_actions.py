"""Smart charging (OCPP 2.0.1, K01, K08, K09, K10)."""

from typing import Any

from ocpp.v201 import call, call_result
from ocpp.v201.enums import Action

from simulator.charging_profiles import Profile, Unit
from simulator.v201.actions import Actions, after, on
from simulator.v201.holdings import Words
from simulator.v201.parts import in_parts
from simulator.v201.profiles import PURPOSE_WORDS, PURPOSES, from_composite, from_profile, to_profile

_SOURCE = "CSO"


class ProfileActions(Actions):
    """Sets, clears, reports and adds up charging profiles."""

    @on(Action.set_charging_profile)
    def on_set_profile(self, evse_id: int, charging_profile: Words, **_: Any) -> Any:
        """SetChargingProfile."""
        if charging_profile["charging_profile_purpose"] not in PURPOSES:
            return call_result.SetChargingProfile(status="Rejected")
        profile = to_profile(charging_profile, now=self._station.moment(), key_of=self._memory.key_of)
        accepted = self._station.charging.install(evse_id, profile)
        return call_result.SetChargingProfile(status="Accepted" if accepted else "Rejected")

    @on(Action.clear_charging_profile)
    def on_clear_profile(
        self, charging_profile_id: int | None = None, charging_profile_criteria: Words | None = None, **_: Any
    ) -> Any:
        """ClearChargingProfile."""
        criteria = charging_profile_criteria or {}
        purpose = criteria.get("charging_profile_purpose")
        cleared = (purpose is None or purpose in PURPOSES) and self._station.charging.clear(
            profile_id=charging_profile_id,
            connector_id=criteria.get("evse_id"),
            purpose=None if purpose is None else PURPOSES[purpose],
            stack_level=criteria.get("stack_level"),
        )
        return call_result.ClearChargingProfile(status="Accepted" if cleared else "Unknown")

    @on(Action.get_charging_profiles)
    def on_get_profiles(self, charging_profile: Words, evse_id: int | None = None, **_: Any) -> Any:
        """GetChargingProfiles."""
        found = self._profiles_of(charging_profile, evse_id)
        return call_result.GetChargingProfiles(status="Accepted" if found else "NoProfiles")

    @after(Action.get_charging_profiles)
    def after_get_profiles(
        self, request_id: int, charging_profile: Words, evse_id: int | None = None, **_: Any
    ) -> None:
        """GetChargingProfiles: the parts, by EVSE."""
        found = self._profiles_of(charging_profile, evse_id)
        places = sorted({place for place, _profile in found})
        for place in places:
            own = [from_profile(profile, self._memory.names.get) for at, profile in found if at == place]
            for _number, part, more in in_parts(own, 2):
                self._follow(
                    call.ReportChargingProfiles(
                        request_id=request_id,
                        charging_limit_source=_SOURCE,
                        charging_profile=list(part),
                        evse_id=place,
                        tbc=more or place != places[-1],
                    )
                )

    @on(Action.get_composite_schedule)
    def on_get_composite(self, evse_id: int, duration: int, charging_rate_unit: str | None = None, **_: Any) -> Any:
        """GetCompositeSchedule, in amperes where no unit is asked for."""
        found = self._station.charging.composite(evse_id, duration)
        if found is None or duration < 0:
            return call_result.GetCompositeSchedule(status="Rejected")
        unit = Unit(charging_rate_unit or Unit.AMPERE)
        return call_result.GetCompositeSchedule(
            status="Accepted", schedule=from_composite(found, evse_id=evse_id, duration_s=duration, unit=unit)
        )

    def _profiles_of(self, criteria: Words, evse_id: int | None) -> list[tuple[int, Profile]]:
        ids, sources = criteria.get("charging_profile_id"), criteria.get("charging_limit_source")
        if sources and _SOURCE not in sources:
            return []
        return [
            (place, profile)
            for place, profile in self._station.charging.installed()
            if evse_id in (None, place)
            and (not ids or profile.profile_id in ids)
            and criteria.get("stack_level") in (None, profile.stack_level)
            and criteria.get("charging_profile_purpose") in (None, PURPOSE_WORDS[profile.purpose])
        ]

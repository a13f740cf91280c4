"""Charging profiles as a station holds them (OCPP 1.6, section 3.13): what they say, and which are installed.

Pure. What they come to together is computed by `simulator.composite`.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import pairwise


class Purpose(StrEnum):
    """The purpose of a profile (1.6 ChargingProfilePurposeType)."""

    STATION_MAX = "ChargePointMaxProfile"
    TX_DEFAULT = "TxDefaultProfile"
    TX = "TxProfile"


class Kind(StrEnum):
    """From when the schedule of a profile counts (1.6 ChargingProfileKindType)."""

    ABSOLUTE = "Absolute"
    RECURRING = "Recurring"
    RELATIVE = "Relative"


class Recurrency(StrEnum):
    """How often a recurring schedule begins anew (1.6 RecurrencyKindType)."""

    DAILY = "Daily"
    WEEKLY = "Weekly"


class Unit(StrEnum):
    """Of limits: amperes per phase, or watts over all phases (1.6 ChargingRateUnitType)."""

    AMPERE = "A"
    WATT = "W"


@dataclass(frozen=True, kw_only=True)
class Period:
    """A limit, from `start_s` seconds of the schedule to the next period. `phases`: None means 3."""

    start_s: int
    limit: float
    phases: int | None = None


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """Limits over time. Without `duration_s` the last one goes on; without `start` it begins as charging does."""

    unit: Unit
    periods: tuple[Period, ...]
    duration_s: int | None = None
    start: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Profile:
    """One charging profile. `transaction` is the station's own key of the transaction that it is for."""

    profile_id: int
    stack_level: int
    purpose: Purpose
    kind: Kind
    schedule: Schedule
    recurrency: Recurrency | None = None
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    transaction: int | None = None


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """The numbers of profiles and periods that a station can hold, from its configuration keys (OCPP 1.6, 9.4)."""

    most_profiles: int
    most_periods: int
    highest_level: int
    units: frozenset[Unit]


def is_sound(profile: Profile, bounds: Bounds) -> bool:
    """Whether a profile makes sense in itself, and is one that the station can hold."""
    schedule = profile.schedule
    starts = [period.start_s for period in schedule.periods]
    return (
        schedule.unit in bounds.units
        and 0 <= profile.stack_level <= bounds.highest_level
        and 0 < len(starts) <= bounds.most_periods
        and starts[0] == 0
        and all(before < after for before, after in pairwise(starts))
        and all(period.limit >= 0 and period.phases in (None, 1, 2, 3) for period in schedule.periods)
        and _kind_is_sound(profile)
    )


def _kind_is_sound(profile: Profile) -> bool:
    """A recurring schedule needs its rhythm and a first start; a station as a whole has no start to be relative to."""
    if profile.kind is Kind.RECURRING:
        return profile.recurrency is not None and profile.schedule.start is not None
    if profile.purpose is Purpose.STATION_MAX:
        return profile.kind is Kind.ABSOLUTE and profile.schedule.start is not None
    return True


class ProfileStore:
    """The installed profiles by connector; 0 is the station as a whole."""

    def __init__(self, *, connectors: int, bounds: Callable[[], Bounds]) -> None:
        self._connectors = connectors
        self._bounds = bounds
        self._installed: list[tuple[int, Profile]] = []

    def install(self, connector_id: int, profile: Profile, *, transaction: int | None) -> bool:
        """Installs a profile, in the place of one with its id or at its level. Returns whether it was accepted.

        `transaction` is the one that the connector is in.
        """
        if not self.accepts(connector_id, profile, transaction=transaction):
            return False
        kept = [
            (place, other)
            for place, other in self._installed
            if other.profile_id != profile.profile_id
            and (place, other.purpose, other.stack_level) != (connector_id, profile.purpose, profile.stack_level)
        ]
        if len(kept) >= self._bounds().most_profiles:
            return False
        self._installed = [*kept, (connector_id, profile)]
        return True

    def accepts(self, connector_id: int, profile: Profile, *, transaction: int | None) -> bool:
        """Whether a profile may be installed at a connector, but for the room."""
        if not 0 <= connector_id <= self._connectors or not is_sound(profile, self._bounds()):
            return False
        match profile.purpose:
            case Purpose.STATION_MAX:
                return connector_id == 0
            case Purpose.TX_DEFAULT:
                return True
            case Purpose.TX:
                fits = profile.transaction is None or profile.transaction == transaction
                return connector_id > 0 and transaction is not None and fits

    def clear(
        self,
        *,
        profile_id: int | None = None,
        connector_id: int | None = None,
        purpose: Purpose | None = None,
        stack_level: int | None = None,
    ) -> bool:
        """Removes the profile with an id, or else those that meet all the criteria given. Returns whether any did."""
        kept = [
            (place, profile)
            for place, profile in self._installed
            if not (
                profile.profile_id == profile_id
                if profile_id is not None
                else connector_id in (None, place)
                and purpose in (None, profile.purpose)
                and stack_level in (None, profile.stack_level)
            )
        ]
        found = len(kept) < len(self._installed)
        self._installed = kept
        return found

    def end_transaction(self, connector_id: int) -> None:
        """Removes what was installed for the transaction of a connector, which has ended."""
        self.clear(connector_id=connector_id, purpose=Purpose.TX)

    def station(self) -> list[Profile]:
        """The profiles that limit the station as a whole, the leading one first."""
        return by_level(profile for _, profile in self._installed if profile.purpose is Purpose.STATION_MAX)

    def transaction(self, connector_id: int) -> list[Profile]:
        """The profiles for the transaction of a connector, the leading one first."""
        return by_level(p for place, p in self._installed if place == connector_id and p.purpose is Purpose.TX)

    def default(self, connector_id: int) -> list[Profile]:
        """The profiles for any transaction at a connector, the leading one first: at a level, its own one leads."""
        found = [
            (p.stack_level, place, p)
            for place, p in self._installed
            if p.purpose is Purpose.TX_DEFAULT and place in (0, connector_id)
        ]
        return [profile for _, _, profile in sorted(found, key=lambda one: one[:2], reverse=True)]

    def installed(self) -> Sequence[tuple[int, Profile]]:
        """All profiles with the connectors that they are installed at."""
        return tuple(self._installed)

    def __len__(self) -> int:
        return len(self._installed)


def by_level(profiles: Iterable[Profile]) -> list[Profile]:
    """The highest stack level first."""
    return sorted(profiles, key=lambda profile: profile.stack_level, reverse=True)

"""Meter profiles: operators' knowledge of the meters of a fleet, and the selection of one for a new transaction.

A profile applies to a station, firmware version, model and vendor, each of which may be any. The most specific counts.
"""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from threading import Lock

from sqlalchemy import Connection

from mesh.contract.texts import without_nul
from mesh.runtime.times import SECOND_US
from transaction_svc import meter_profile_store as store
from transaction_svc.energy import Terms
from transaction_svc.meter_profile_store import ANY, Identity, MeterProfile
from transaction_svc.reading_selection import Pins

# Kinds of EVSE, numbered as csms.transaction.v1.EvseKind.
AC, DC = 1, 2
# Whether a register of 0 at the begin is a placeholder, by csms.transaction.v1.ZeroBegin.
_PLACEHOLDER: Mapping[int, bool] = {1: False, 2: True}
# Changes by another replica take effect after this time.
TTL_US = 5 * SECOND_US
MOST_TENANTS = 1_000
LEAST_POWER_W, MOST_POWER_W = 1_000, 4_000_000

Station = tuple[str, str]
"""Tenant, station."""

_Profiles = Mapping[Identity, MeterProfile]


@dataclass(frozen=True, kw_only=True)
class PowerLimits:
    """Largest power of an EVSE in watts, where no profile has it."""

    ac_w: int = 43_000
    dc_w: int = 400_000


def normalize_name(name: str) -> str:
    """The form in which vendors, models and firmware versions are compared."""
    return without_nul(name).strip().casefold()


def profile_id(identity: Identity) -> str:
    """The id of the profile for these stations."""
    return hashlib.blake2b("\0".join(identity).encode(), digest_size=8).hexdigest()


def to_terms(profile: MeterProfile | None, limits: PowerLimits) -> Terms:
    """The terms of a meter before its first reading."""
    if profile is None:
        return Terms(power_w=limits.dc_w)
    pins = Pins(
        begin_end_exponent=profile.begin_end_exponent,
        sampled_exponent=profile.sampled_exponent,
        source=profile.register_source,
        location=profile.register_location,
    )
    return Terms(
        power_w=profile.max_power_w or (limits.ac_w if profile.evse_kind == AC else limits.dc_w),
        placeholder=_PLACEHOLDER.get(profile.zero_begin),
        pins=None if pins == Pins() else pins,
        profile_id=profile.profile_id,
    )


def most_specific(known: _Profiles, identity: Identity) -> MeterProfile | None:
    """The profile that applies to a station."""
    # A profile with the station comes before one without; then firmware version, model and vendor decide.
    for station, firmware, model, vendor in product((True, False), repeat=4):
        wanted = Identity(
            station_id=identity.station_id if station else ANY,
            vendor=identity.vendor if vendor else ANY,
            model=identity.model if model else ANY,
            firmware=identity.firmware if firmware else ANY,
        )
        if (profile := known.get(wanted)) is not None:
            return profile
    return None


class MeterTerms:
    """Finds the terms of new transactions. One per process, used by several threads.

    The profiles of a tenant are kept for a few seconds, so that a batch costs no statement where there are none.
    """

    def __init__(self, limits: PowerLimits | None = None) -> None:
        self._limits = limits or PowerLimits()
        self._kept: dict[str, tuple[int, _Profiles]] = {}  # with when they were read
        self._changes = 0
        self._lock = Lock()

    def forget(self, tenant_id: str) -> None:
        """Has the profiles of a tenant read again: this process has changed one."""
        with self._lock:
            self._changes += 1
            self._kept.pop(tenant_id, None)

    def find(self, connection: Connection, stations: Collection[Station], now_us: int) -> Mapping[Station, Terms]:
        """The terms of transactions that begin now, by station."""
        known = self._of_tenants(connection, {tenant_id for tenant_id, _station_id in stations}, now_us)
        with_profiles = sorted(station for station in stations if known[station[0]])
        if not with_profiles:
            return {station: to_terms(None, self._limits) for station in stations}
        named = store.identities(connection, with_profiles)
        return {
            station: to_terms(
                most_specific(known[station[0]], _identity(station[1], named.get(station, ("", "", "")))), self._limits
            )
            for station in stations
        }

    def _of_tenants(self, connection: Connection, tenants: Collection[str], now_us: int) -> Mapping[str, _Profiles]:
        known = {
            tenant_id: kept[1]
            for tenant_id in tenants
            if (kept := self._kept.get(tenant_id)) and _is_fresh(kept[0], now_us)
        }
        if missing := sorted(set(tenants) - set(known)):
            known |= self._read(connection, missing, now_us)
        return known

    def _read(self, connection: Connection, tenants: Sequence[str], now_us: int) -> Mapping[str, _Profiles]:
        changes = self._changes
        read: dict[str, dict[Identity, MeterProfile]] = {tenant_id: {} for tenant_id in tenants}
        for profile in store.profiles_of(connection, tenants):
            read[profile.tenant_id][profile.identity] = profile
        with self._lock:
            if changes == self._changes:  # otherwise the profiles may be older than the change
                if len(self._kept) + len(read) > MOST_TENANTS:
                    self._kept.clear()
                self._kept.update((tenant_id, (now_us, profiles)) for tenant_id, profiles in read.items())
        return read


def _is_fresh(read_us: int, now_us: int) -> bool:
    return abs(now_us - read_us) < TTL_US


def _identity(station_id: str, names: tuple[str, str, str]) -> Identity:
    vendor, model, firmware = names
    return Identity(
        station_id=station_id,
        vendor=normalize_name(vendor),
        model=normalize_name(model),
        firmware=normalize_name(firmware),
    )

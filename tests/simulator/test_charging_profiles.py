"""Profiles that a station installs and clears, and its power under them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from simulator.charging_profiles import Bounds, Kind, Profile, ProfileStore, Purpose, Unit
from simulator.events import MeterSampled, Status, StatusChanged
from simulator.station import AuthorizationNeeded, Identity, Station
from simulator.vehicle import Vehicle
from tests.simulator.test_composite import profile

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
BOUNDS = Bounds(most_profiles=4, most_periods=3, highest_level=5, units=frozenset(Unit))
TX = 7  # a transaction


@pytest.fixture
def store() -> ProfileStore:
    """Room for four profiles at two connectors."""
    return ProfileStore(connectors=2, bounds=lambda: BOUNDS)


def station_max(**given: Any) -> Profile:
    """A limit of the station."""
    return profile((0, 1_000), purpose=Purpose.STATION_MAX, **given)


@pytest.mark.parametrize(
    ("connector_id", "wanted", "accepted"),
    [
        (0, station_max(), True),
        (1, station_max(), False),
        (0, station_max(kind=Kind.RELATIVE), False),
        (0, profile((0, 1)), True),
        (2, profile((0, 1)), True),
        (3, profile((0, 1)), False),
        (1, profile((0, 1), purpose=Purpose.TX), True),
        (1, profile((0, 1), purpose=Purpose.TX, transaction=TX), True),
        (1, profile((0, 1), purpose=Purpose.TX, transaction=8), False),
        (0, profile((0, 1), purpose=Purpose.TX), False),
        (1, profile((0, 1), stack_level=6), False),
        (1, profile((5, 1)), False),
        (1, profile((0, 1), (0, 2)), False),
        (1, profile((0, 1), (1, 2), (2, 3), (3, 4)), False),
        (1, profile((0, -1)), False),
        (1, profile((0, 1), phases=4), False),
        (1, profile((0, 1), kind=Kind.RECURRING), False),
        (1, profile(), False),
    ],
)
def test_what_is_accepted(store: ProfileStore, connector_id: int, wanted: Profile, accepted: bool) -> None:
    """Each purpose where it belongs, and only what makes sense in itself."""
    assert store.install(connector_id, wanted, transaction=TX) is accepted
    assert len(store) == accepted


def test_a_transaction_s_profile_needs_one(store: ProfileStore) -> None:
    """Without a transaction it is refused, and with its end it goes."""
    wanted = profile((0, 1), purpose=Purpose.TX)
    assert not store.install(1, wanted, transaction=None)
    assert store.install(1, wanted, transaction=TX)
    store.end_transaction(1)
    assert len(store) == 0


def test_a_profile_takes_the_place_of_its_like(store: ProfileStore) -> None:
    """One with the same id, or of the same purpose and level at the same connector; else four are the most."""
    for number in range(4):
        assert store.install(1, profile((0, 1), profile_id=number, stack_level=number), transaction=None)
    assert not store.install(1, profile((0, 1), profile_id=9, stack_level=5), transaction=None)
    assert store.install(1, profile((0, 9), profile_id=9, stack_level=3), transaction=None)
    assert store.install(2, profile((0, 9), profile_id=0, stack_level=5), transaction=None)
    assert len(store) == 4
    assert [one.profile_id for one in store.default(1)] == [9, 2, 1]
    assert [one.profile_id for one in store.default(2)] == [0]


def test_a_connector_s_own_default_leads_at_its_level(store: ProfileStore) -> None:
    """The station's default is replaced only for that connector."""
    store.install(0, profile((0, 1), profile_id=1, stack_level=2), transaction=None)
    store.install(1, profile((0, 1), profile_id=2, stack_level=2), transaction=None)
    assert [one.profile_id for one in store.default(1)] == [2, 1]
    assert [one.profile_id for one in store.default(2)] == [1]


@pytest.mark.parametrize(
    ("criteria", "left"),
    [
        ({}, []),
        ({"profile_id": 2}, [1, 3, 4]),
        ({"profile_id": 9}, [1, 2, 3, 4]),
        ({"profile_id": 2, "connector_id": 0}, [1, 3, 4]),  # an id says it all
        ({"connector_id": 1}, [1, 4]),
        ({"connector_id": 0}, [2, 3]),
        ({"purpose": Purpose.STATION_MAX}, [2, 3, 4]),
        ({"stack_level": 1}, [1, 2, 4]),
        ({"connector_id": 1, "stack_level": 1}, [1, 2, 4]),
        ({"connector_id": 0, "purpose": Purpose.TX_DEFAULT, "stack_level": 1}, [1, 2, 3, 4]),
    ],
)
def test_clearing_by_criteria(store: ProfileStore, criteria: dict[str, Any], left: list[int]) -> None:
    """All that are given must be met; the answer says whether any profile did."""
    store.install(0, station_max(profile_id=1), transaction=None)
    store.install(1, profile((0, 1), profile_id=2, stack_level=0), transaction=None)
    store.install(1, profile((0, 1), profile_id=3, stack_level=1), transaction=None)
    store.install(0, profile((0, 1), profile_id=4, stack_level=0), transaction=None)
    assert store.clear(**criteria) is (len(left) < 4)
    rest = {one.profile_id for c in (0, 1, 2) for one in store.default(c)} | {o.profile_id for o in store.station()}
    assert sorted(rest) == left


@pytest.fixture
def station() -> Station:
    """Two connectors of 11 kW, in life as fast as in time."""
    identity = Identity(station_id="CP1", vendor="V", model="M", serial_number="S", firmware_version="1")
    return Station(
        identity=identity,
        connector_powers_w=(11_000, 11_000),
        start_wh=(0, 0),
        to_real=lambda ms: NOW + timedelta(milliseconds=ms),
    )


def charge(station: Station, connector_id: int = 1) -> None:
    """A vehicle that takes all it gets."""
    station.connectors[connector_id].plug_in(Vehicle(capacity_wh=90_000, soc=0.1, max_power_w=22_000))
    station.request_start(connector_id, "TAG")


def samples(station: Station) -> list[MeterSampled]:
    """The samples that were taken, oldest first."""
    return [event for event in station.drain() if isinstance(event, MeterSampled)]


def test_the_power_follows_the_schedule(station: Station) -> None:
    """Minute by minute the power is what the composite schedule says, and so is what is offered."""
    charge(station)
    wanted = profile((0, 4_000), (300, 16_000), (600, 0), (900, 5_000), kind=Kind.RELATIVE, purpose=Purpose.TX)
    assert station.charging.install(1, wanted)
    station.advance(1_200_000)
    found = samples(station)
    assert [one.reading.power_w for one in found] == [*[4_000] * 5, *[11_000] * 5, *[0] * 5, *[5_000] * 5]
    assert [one.reading.offered_w for one in found[:4]] == [4_000] * 4


def test_a_limit_of_nothing_suspends(station: Station) -> None:
    """SuspendedEVSE while it lasts, then Charging again."""
    charge(station)
    station.charging.install(1, profile((0, 0), duration_s=600))
    station.advance(605_000)
    seen = [event.status for event in station.drain() if isinstance(event, StatusChanged)]
    assert seen[-2:] == [Status.SUSPENDED_EVSE, Status.CHARGING]


def test_the_station_s_limit_is_shared(station: Station) -> None:
    """One vehicle gets all of it, two get half each."""
    station.charging.install(0, station_max())
    charge(station)
    station.advance(60_000)
    assert samples(station)[-1].reading.power_w == 1_000
    charge(station, 2)
    station.advance(120_000)
    assert [one.reading.power_w for one in samples(station)[-2:]] == [500, 500]


def test_a_profile_with_a_remote_start_is_for_that_transaction(station: Station) -> None:
    """It is in force from its begin to its end; one of another purpose is no reason to start."""
    station.connectors[1].plug_in(Vehicle(capacity_wh=90_000, soc=0.1, max_power_w=22_000))
    assert not station.request_start(1, "TAG", profile((0, 2_000)))
    assert station.request_start(1, "TAG", profile((0, 2_000), kind=Kind.RELATIVE, purpose=Purpose.TX))
    station.advance(120_000)
    assert samples(station)[-1].reading.power_w == 2_000
    station.swipe(station.connectors[1], "TAG")
    found = station.charging.composite(1, 3_600)
    assert found is not None
    assert [slot.allowance.power_w for slot in found.slots] == [11_000]


def test_a_profile_goes_with_its_start_and_no_other(station: Station) -> None:
    """If nobody comes for a remote start, the next driver does not get its profile."""
    wanted = profile((0, 2_000), kind=Kind.RELATIVE, purpose=Purpose.TX)
    assert station.request_start(1, "TAG", wanted)
    station.advance(180_000)
    charge(station)
    station.advance(300_000)
    assert samples(station)[-1].reading.power_w == 11_000


def test_a_profile_with_a_remote_start_that_is_authorized_first(station: Station) -> None:
    """It is still there when the answer comes."""
    station.configuration.change("AuthorizeRemoteTxRequests", "true")
    station.connectors[1].plug_in(Vehicle(capacity_wh=90_000, soc=0.1, max_power_w=22_000))
    assert station.request_start(1, "TAG", profile((0, 2_000), kind=Kind.RELATIVE, purpose=Purpose.TX))
    (question,) = [event for event in station.drain() if isinstance(event, AuthorizationNeeded)]
    station.authorized(1, "TAG", profile=question.profile)
    station.advance(60_000)
    assert samples(station)[-1].reading.power_w == 2_000

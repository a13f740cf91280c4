"""A station's local list and cache of id tags, and its decisions."""

from datetime import UTC, datetime, timedelta

import pytest

from simulator.authorization import KnownTags, ListEntry, ListResult, LocalList, Remembered
from simulator.configuration import Configuration, default_keys
from simulator.events import StopReason, TransactionStopped
from simulator.station import AuthorizationNeeded, Identity, Station
from simulator.vehicle import Vehicle

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.fixture
def tags() -> KnownTags:
    """Nothing known yet; list and cache switched on."""
    return KnownTags(configuration=Configuration(default_keys(connectors=1)))


def accepted(id_tag: str, parent: str | None = None, expires: datetime | None = None) -> ListEntry:
    """A tag that may charge."""
    return ListEntry(id_tag=id_tag, remembered=Remembered(status="Accepted", expires=expires, parent=parent))


def blocked(id_tag: str) -> ListEntry:
    """A tag that may not."""
    return ListEntry(id_tag=id_tag, remembered=Remembered(status="Blocked", expires=None))


def removed(id_tag: str) -> ListEntry:
    """A tag that is to leave the list."""
    return ListEntry(id_tag=id_tag, remembered=None)


def test_full_and_differential() -> None:
    """A full list replaces, a differential one adds, changes and removes; each brings its version."""
    found = LocalList()
    assert found.shown_version == 0
    assert found.replace(3, [accepted("A"), blocked("B")], most=9) is ListResult.ACCEPTED
    assert found.update(5, [removed("a"), accepted("B"), accepted("C")], most=9) is ListResult.ACCEPTED
    assert (found.shown_version, len(found), found.find("A")) == (5, 2, None)
    assert found.find("b") == accepted("B").remembered
    assert found.replace(1, [accepted("Z")], most=9) is ListResult.ACCEPTED
    assert (found.shown_version, len(found)) == (1, 1)
    assert found.replace(2, [], most=9) is ListResult.ACCEPTED
    assert found.shown_version == 0


@pytest.mark.parametrize("version", [2, 3])
def test_an_older_differential_is_refused(version: int) -> None:
    """VersionMismatch, and the list stays as it was."""
    found = LocalList()
    found.replace(3, [accepted("A")], most=9)
    assert found.update(version, [removed("A")], most=9) is ListResult.VERSION_MISMATCH
    assert (found.shown_version, len(found)) == (3, 1)


def test_a_list_that_is_no_good_changes_nothing() -> None:
    """Too long, a tag twice, a removal in a full list, a version that says there is no list."""
    found = LocalList()
    found.replace(3, [accepted("A")], most=2)
    for entries in ([accepted("B"), accepted("C"), accepted("D")], [accepted("B"), blocked("b")], [removed("B")]):
        assert found.replace(4, entries, most=2) is ListResult.FAILED
    assert found.replace(0, [accepted("B")], most=2) is ListResult.FAILED
    assert found.update(4, [accepted("B"), accepted("C")], most=2) is ListResult.FAILED
    assert found.update(4, [accepted("B"), removed("B")], most=2) is ListResult.FAILED
    assert (found.shown_version, len(found)) == (3, 1)


def test_updates_within_what_the_station_can_do(tags: KnownTags) -> None:
    """NotSupported where the list is switched off; Failed where one message brings more than SendLocalListMaxLength."""
    many = [accepted(f"T{number}") for number in range(101)]
    assert tags.update_list(1, many, full=True) is ListResult.FAILED
    assert tags.update_list(1, many[:100], full=True) is ListResult.ACCEPTED
    assert tags.update_list(2, many[100:], full=False) is ListResult.ACCEPTED
    assert len(tags.local_list) == 101


def test_the_list_switched_off() -> None:
    """Nothing is taken, and what was listed is not known."""
    configuration = Configuration(default_keys(connectors=1))
    tags = KnownTags(configuration=configuration)
    tags.update_list(1, [accepted("A")], full=True)
    configuration.change("LocalAuthListEnabled", "false")
    assert tags.update_list(2, [accepted("B")], full=True) is ListResult.NOT_SUPPORTED
    assert not tags.knows("A")


def test_the_list_is_asked_before_the_cache(tags: KnownTags) -> None:
    """And what it has is not cached."""
    tags.update_list(1, [blocked("A")], full=True)
    tags.remember("A", Remembered(status="Accepted", expires=None))
    assert tags.cache.find("A") is None
    assert tags.may_start_unasked("A", NOW, online=False) is False
    tags.update_list(2, [removed("A"), accepted("B", expires=NOW - timedelta(seconds=1))], full=False)
    tags.remember("A", Remembered(status="Accepted", expires=None))
    assert tags.may_start_unasked("A", NOW, online=False) is True
    assert tags.may_start_unasked("B", NOW, online=False) is False


def test_listed_tags_start_offline_and_with_pre_authorization_online() -> None:
    """Online they are asked for unless LocalPreAuthorize; offline they start unless LocalAuthorizeOffline is false."""
    configuration = Configuration(default_keys(connectors=1))
    tags = KnownTags(configuration=configuration)
    tags.update_list(1, [accepted("A"), blocked("B")], full=True)
    assert tags.may_start_unasked("A", NOW, online=True) is None
    assert tags.may_start_unasked("A", NOW, online=False) is True
    configuration.change("LocalPreAuthorize", "true")
    assert tags.may_start_unasked("A", NOW, online=True) is True
    assert tags.may_start_unasked("B", NOW, online=True) is None
    configuration.change("LocalAuthorizeOffline", "false")
    assert tags.may_start_unasked("A", NOW, online=False) is False


def test_a_tag_of_the_same_group_stops() -> None:
    """After it was asked for; a tag of another group does not."""
    station = Station(
        identity=Identity(station_id="CP1", vendor="V", model="M", serial_number="S", firmware_version="1"),
        connector_powers_w=(11_000,),
        start_wh=(0,),
        to_real=lambda ms: NOW + timedelta(milliseconds=ms),
    )
    connector = station.connectors[1]
    connector.plug_in(Vehicle(capacity_wh=60_000, soc=0.2, max_power_w=11_000))
    station.authorized(1, "A", "FLEET")
    station.drain()
    station.swipe(connector, "B")
    assert [e.id_tag for e in station.drain() if isinstance(e, AuthorizationNeeded)] == ["B"]
    station.authorized(1, "B", "OTHERS")
    assert connector.transaction is not None
    station.authorized(1, "B", "FLEET")
    stops = [(e.reason, e.id_tag) for e in station.drain() if isinstance(e, TransactionStopped)]
    assert stops == [(StopReason.LOCAL, "B")]

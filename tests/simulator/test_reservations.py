"""Reservations of a station: who may make them, who may use them, when they end."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from simulator.configuration import Key, default_keys
from simulator.events import StatusChanged, TransactionStarted
from simulator.reservations import Reservation, ReservationResult
from simulator.station import AuthorizationNeeded, Identity, Station, StationEvent
from simulator.vehicle import Vehicle

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.fixture
def station() -> Station:
    """Two connectors, in life as fast as in time."""
    identity = Identity(station_id="CP1", vendor="V", model="M", serial_number="S", firmware_version="1")
    found = Station(
        identity=identity,
        connector_powers_w=(11_000, 11_000),
        start_wh=(0, 0),
        to_real=lambda ms: NOW + timedelta(milliseconds=ms),
    )
    found.drain()
    return found


def wanted(connector_id: int = 1, reservation_id: int = 5, **given: Any) -> Reservation:
    """A reservation for TAG, for an hour."""
    defaults: dict[str, Any] = {"id_tag": "TAG", "parent_id_tag": None, "expires": NOW + timedelta(hours=1)}
    return Reservation(connector_id=connector_id, reservation_id=reservation_id, **(defaults | given))


def car() -> Vehicle:
    """A vehicle."""
    return Vehicle(capacity_wh=60_000, soc=0.2, max_power_w=11_000)


def statuses(events: list[StationEvent], connector_id: int = 1) -> list[str]:
    """The statuses that a connector reported."""
    return [e.status.value for e in events if isinstance(e, StatusChanged) and e.connector_id == connector_id]


def starts(events: list[StationEvent]) -> list[tuple[str, int | None]]:
    """Who started, and the reservation that was used."""
    return [(e.id_tag, e.reservation_id) for e in events if isinstance(e, TransactionStarted)]


def test_a_reservation_shows_and_is_used_by_its_tag(station: Station) -> None:
    """Reserved, then Preparing and Charging for the tag, whose start names the reservation; then it is gone."""
    assert station.reserve(wanted()) is ReservationResult.ACCEPTED
    connector = station.connectors[1]
    connector.plug_in(car())
    station.swipe(connector, "tag")
    station.authorized(1, "tag")
    events = station.drain()
    assert statuses(events) == ["Reserved", "Charging"]
    assert starts(events) == [("tag", 5)]
    assert not station.cancel_reservation(5)


def test_others_are_kept_away(station: Station) -> None:
    """Another tag is not even asked for, by hand or from afar; the other connector is open to it."""
    station.reserve(wanted())
    station.swipe(station.connectors[1], "OTHER")
    assert not [event for event in station.drain() if isinstance(event, AuthorizationNeeded)]
    assert not station.request_start(1, "OTHER")
    assert station.request_start(2, "OTHER")
    assert station.request_start(1, "TAG")


def test_a_remote_start_without_a_connector_takes_the_reserved_one(station: Station) -> None:
    """For its tag; another gets the connector that is free."""
    station.reserve(wanted(2))
    assert station.request_start(None, "OTHER")
    assert station.connectors[1].waits_for_vehicle
    assert station.request_start(None, "TAG")
    assert station.connectors[2].waits_for_vehicle


def test_the_group_of_the_tag_may_use_it(station: Station) -> None:
    """A tag whose group is not known is asked for first, and starts where the answer names the group."""
    station.reserve(wanted(parent_id_tag="FLEET"))
    connector = station.connectors[1]
    connector.plug_in(car())
    station.swipe(connector, "OTHER")
    assert [e.id_tag for e in station.drain() if isinstance(e, AuthorizationNeeded)] == ["OTHER"]
    station.authorized(1, "OTHER", "ELSE")
    assert starts(station.drain()) == []
    station.authorized(1, "OTHER", "fleet")
    assert starts(station.drain()) == [("OTHER", 5)]


def test_it_expires(station: Station) -> None:
    """At its time the connector is Available again, and for everybody."""
    station.reserve(wanted(expires=NOW + timedelta(minutes=10)))
    station.advance(599_000)
    assert statuses(station.drain()) == ["Reserved"]
    station.advance(600_000)
    assert statuses(station.drain()) == ["Available"]
    assert station.request_start(1, "OTHER")


def test_it_is_cancelled(station: Station) -> None:
    """By its id, once."""
    station.reserve(wanted())
    assert station.cancel_reservation(5)
    assert not station.cancel_reservation(5)
    assert statuses(station.drain()) == ["Reserved", "Available"]


def test_the_same_id_takes_its_place(station: Station) -> None:
    """A repeated reservation moves; the first connector is free again."""
    station.reserve(wanted(1))
    assert station.reserve(wanted(2)) is ReservationResult.ACCEPTED
    events = station.drain()
    assert (statuses(events, 1), statuses(events, 2)) == (["Reserved", "Available"], ["Reserved"])


def test_what_is_refused(station: Station) -> None:
    """Occupied by a vehicle or another reservation, Unavailable, Faulted, Rejected where it cannot be."""
    station.reserve(wanted())
    assert station.reserve(wanted(reservation_id=6)) is ReservationResult.OCCUPIED
    station.connectors[2].plug_in(car())
    assert station.reserve(wanted(2, 6)) is ReservationResult.OCCUPIED
    station.connectors[2].unplug()
    station.change_availability(2, operative=False)
    assert station.reserve(wanted(2, 6)) is ReservationResult.UNAVAILABLE
    station.set_faulted(2, faulted=True)
    assert station.reserve(wanted(2, 6)) is ReservationResult.FAULTED
    assert station.reserve(wanted(3, 6)) is ReservationResult.REJECTED
    assert station.reserve(wanted(expires=NOW)) is ReservationResult.REJECTED


@pytest.mark.parametrize("breaks", [True, False])
def test_it_lapses_with_its_connector(station: Station, breaks: bool) -> None:
    """A connector that breaks, or is taken out of service, is reserved for nobody."""
    station.reserve(wanted())
    if breaks:
        station.set_faulted(1, faulted=True)
        station.set_faulted(1, faulted=False)
    else:
        station.change_availability(1, operative=False)
        station.change_availability(1, operative=True)
    assert statuses(station.drain())[-1] == "Available"


def test_connector_0_keeps_one_for_the_tag(station: Station) -> None:
    """Others may use all but the last one; no connector shows Reserved; any connector is the tag's."""
    assert station.reserve(wanted(0)) is ReservationResult.ACCEPTED
    assert station.request_start(1, "OTHER")
    assert not station.request_start(2, "ANOTHER")
    assert station.reserve(wanted(2, 6)) is ReservationResult.OCCUPIED
    station.connectors[2].plug_in(car())
    assert station.request_start(2, "TAG")
    events = station.drain()
    assert starts(events) == [("TAG", 5)]
    assert "Reserved" not in statuses(events) + statuses(events, 2)


def test_connector_0_where_it_is_full_or_not_supported(station: Station) -> None:
    """No more reservations than connectors; none at all where ReserveConnectorZeroSupported is false."""
    assert station.reserve(wanted(0, 1)) is ReservationResult.ACCEPTED
    assert station.reserve(wanted(0, 2)) is ReservationResult.ACCEPTED
    assert station.reserve(wanted(0, 3)) is ReservationResult.OCCUPIED
    assert default_keys(connectors=1)["ReserveConnectorZeroSupported"] == Key(value="true")
    station.configuration.set("ReserveConnectorZeroSupported", "false")
    assert station.reserve(wanted(0, 4)) is ReservationResult.REJECTED

"""Drivers come, charge and leave, the same ones for the same seed."""

from simulator.events import Event, StatusChanged, TransactionStarted, TransactionStopped
from simulator.fleet import FleetOptions, make_fleet
from simulator.reservations import Reservation, ReservationResult
from simulator.station import AuthorizationNeeded, Station

DAY_MS = 24 * 3_600_000
# OCPP 1.6, section 4.9: where a connector may go from where.
ALLOWED = {
    "Available": {"Preparing"},
    "Preparing": {"Available", "Charging", "SuspendedEV"},
    "Charging": {"SuspendedEV", "Finishing"},
    "SuspendedEV": {"Charging", "Finishing"},
    "Finishing": {"Available"},
}


def stations(seed: int = 7) -> list[Station]:
    """The stations of a fleet, not connected to anything."""
    options = FleetOptions(
        url="ws://127.0.0.1:1", stations=6, prefix="CP", speed=1, seed=seed, id_tags=("A", "B", "C"), passwords={}
    )
    return [runner.station for runner in make_fleet(options)]


def live(station: Station, until_ms: int, *, accept: bool = True) -> list[Event]:
    """Lets a station live, with a central system that answers every question alike."""
    heard: list[Event] = []
    for now_ms in range(0, until_ms, 5_000):
        station.advance(now_ms)
        for event in station.drain():
            if isinstance(event, AuthorizationNeeded):
                if accept:
                    station.authorized(event.connector_id, event.id_tag)
            elif isinstance(event, Event):
                heard.append(event)
    return heard


def test_a_day_makes_sense() -> None:
    """Within a day every connector charges, by allowed transitions only, and every transaction's energy is positive."""
    for station in stations()[:3]:
        events = live(station, DAY_MS)
        for connector_id in station.connectors:
            previous = "Available"
            for event in events:
                if isinstance(event, StatusChanged) and event.connector_id == connector_id:
                    assert event.status.value in ALLOWED[previous]
                    previous = event.status.value
        starts = {e.key: e for e in events if isinstance(e, TransactionStarted)}
        stops = [e for e in events if isinstance(e, TransactionStopped)]
        assert {e.connector_id for e in starts.values()} == set(station.connectors)
        assert len(stops) >= 10
        assert all(100 < stop.meter_wh - starts[stop.key].meter_wh < 60_000 for stop in stops)
        assert len({stop.reason for stop in stops}) == 2


def test_refused_drivers_leave_again() -> None:
    """With every tag refused nothing starts, and nobody stays."""
    events = live(stations()[0], DAY_MS // 8, accept=False)
    assert not [e for e in events if isinstance(e, TransactionStarted)]
    assert {e.status.value for e in events if isinstance(e, StatusChanged)} == {"Preparing", "Available"}


def test_same_seed_same_life() -> None:
    """A fleet can be had again by its seed, and differs by it."""
    first, again, other = (live(stations(seed)[0], DAY_MS // 8) for seed in (7, 7, 8))
    assert first == again
    assert first != other
    assert len({station.identity.serial_number for station in stations()}) == 6


def test_whoever_reserved_comes() -> None:
    """Sooner or later, with the reserved tag, and the start names the reservation; nobody else starts there before."""
    station = stations()[0]
    connector_id = next(iter(station.connectors))
    reservation = Reservation(
        reservation_id=7,
        connector_id=connector_id,
        id_tag="RESERVED",
        parent_id_tag=None,
        expires=station.to_real(DAY_MS),
    )
    assert station.reserve(reservation) is ReservationResult.ACCEPTED
    starts = [e for e in live(station, DAY_MS // 8) if isinstance(e, TransactionStarted)]
    first = next(start for start in starts if start.connector_id == connector_id)
    assert (first.id_tag, first.reservation_id) == ("RESERVED", 7)

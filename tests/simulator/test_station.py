"""The station's state machine, without a socket."""

from datetime import UTC, datetime, timedelta

import pytest

from simulator.configuration import ChangeResult
from simulator.connector import Connector
from simulator.events import MeterSampled, Status, StatusChanged, StopReason, TransactionStarted, TransactionStopped
from simulator.station import (
    AuthorizationNeeded,
    AvailabilityResult,
    Identity,
    Restart,
    Station,
    StationEvent,
    UnlockResult,
)
from simulator.vehicle import Vehicle

NOW = datetime(2026, 1, 31, tzinfo=UTC)


def real(life_ms: int) -> datetime:
    """A clock that runs as fast as life."""
    return NOW + timedelta(milliseconds=life_ms)


@pytest.fixture
def station() -> Station:
    """A station with two connectors."""
    identity = Identity(station_id="CP1", vendor="V", model="M", serial_number="S", firmware_version="1")
    return Station(identity=identity, connector_powers_w=(11_000, 11_000), start_wh=(5_000, 0), to_real=real)


def car(soc: float = 0.3, target_soc: float = 1.0) -> Vehicle:
    """A vehicle."""
    return Vehicle(capacity_wh=50_000, soc=soc, max_power_w=11_000, target_soc=target_soc)


def statuses(events: list[StationEvent], connector_id: int = 1) -> list[str]:
    """The statuses that a connector reported, in order."""
    return [e.status.value for e in events if isinstance(e, StatusChanged) and e.connector_id == connector_id]


def begin(station: Station, connector_id: int = 1, vehicle: Vehicle | None = None) -> Connector:
    """A connector in a transaction."""
    connector = station.connectors[connector_id]
    connector.plug_in(vehicle or car())
    connector.authorize("TAG")
    station.drain()
    return connector


def test_a_visit_goes_through_the_state_machine(station: Station) -> None:
    """Plug in, swipe, charge until full, swipe, unplug: each status once, and the energy is what the meter counted."""
    connector = station.connectors[1]
    connector.plug_in(car(soc=0.78, target_soc=0.8))
    station.swipe(connector, "TAG")
    station.authorized(1, "TAG")
    station.advance(30 * 60_000)
    station.swipe(connector, "TAG")
    connector.unplug()
    events = station.drain()
    assert statuses(events) == ["Preparing", "Charging", "SuspendedEV", "Finishing", "Available"]
    assert any(isinstance(e, AuthorizationNeeded) and e.id_tag == "TAG" for e in events)
    start = next(e for e in events if isinstance(e, TransactionStarted))
    stop = next(e for e in events if isinstance(e, TransactionStopped))
    assert (start.meter_wh, start.id_tag) == (5_000, "TAG")
    assert (stop.key, stop.reason, stop.id_tag) == (start.key, StopReason.LOCAL, "TAG")
    assert stop.meter_wh == connector.meter.register_wh
    assert stop.meter_wh - start.meter_wh == pytest.approx(0.02 * 50_000 / 0.92, rel=0.02)


def test_samples_come_at_the_interval_and_rise(station: Station) -> None:
    """One sample a minute by default; a new interval counts from the last sample."""
    begin(station)
    station.advance(300_000)
    station.configuration.change("MeterValueSampleInterval", "10")
    station.advance(330_000)
    samples = [e for e in station.drain() if isinstance(e, MeterSampled)]
    assert [e.at_ms // 1000 for e in samples] == [60, 120, 180, 240, 300, 310, 320, 330]
    registers = [e.reading.register_wh for e in samples]
    assert registers == sorted(registers)
    assert samples[-1].reading.power_w == 11_000
    assert samples[-1].reading.current_a == pytest.approx(15.9)


def test_no_samples_where_the_interval_is_zero(station: Station) -> None:
    """MeterValueSampleInterval 0 means none (OCPP 1.6, 9.1.17)."""
    station.configuration.change("MeterValueSampleInterval", "0")
    begin(station)
    station.advance(600_000)
    assert not [e for e in station.drain() if isinstance(e, MeterSampled)]


def test_pulling_the_cable_ends_the_transaction(station: Station) -> None:
    """The reason is EVDisconnected, and the connector passes Finishing."""
    connector = begin(station)
    station.advance(60_000)
    station.drain()
    connector.unplug()
    events = station.drain()
    assert statuses(events) == ["Finishing", "Available"]
    assert [e.reason for e in events if isinstance(e, TransactionStopped)] == [StopReason.EV_DISCONNECTED]


def test_another_tag_does_not_stop_it(station: Station) -> None:
    """Only the tag that started stops at the reader."""
    connector = begin(station)
    station.swipe(connector, "OTHER")
    assert connector.transaction is not None
    assert station.drain() == []


def test_remote_start_waits_for_a_vehicle_but_not_for_ever(station: Station) -> None:
    """Accepted at a free connector, which is Preparing until ConnectionTimeOut."""
    assert station.request_start(1, "APP")
    station.advance(119_000)
    assert station.connectors[1].status is Status.PREPARING
    assert not station.request_start(1, "OTHER")
    station.advance(121_000)
    assert statuses(station.drain()) == ["Preparing", "Available"]
    station.connectors[1].plug_in(car())
    assert station.connectors[1].transaction is None


def test_remote_start_picks_the_connector_with_a_vehicle(station: Station) -> None:
    """Without a connector named, the one where somebody waits is meant; a busy or unknown one is refused."""
    station.connectors[2].plug_in(car())
    assert station.request_start(None, "APP")
    assert station.connectors[2].transaction is not None
    assert not station.request_start(2, "APP")
    assert not station.request_start(9, "APP")


def test_remote_start_may_ask_first(station: Station) -> None:
    """With AuthorizeRemoteTxRequests the tag is authorized before anything starts."""
    station.configuration.change("AuthorizeRemoteTxRequests", "true")
    station.connectors[1].plug_in(car())
    assert station.request_start(1, "APP")
    assert station.connectors[1].transaction is None
    assert [e.id_tag for e in station.drain() if isinstance(e, AuthorizationNeeded)] == ["APP"]


def test_availability_during_a_transaction_is_scheduled(station: Station) -> None:
    """Inoperative takes effect when the transaction and the visit are over; operative brings it back."""
    connector = begin(station)
    assert station.change_availability(1, operative=False) is AvailabilityResult.SCHEDULED
    assert statuses(station.drain()) == []
    connector.unplug()
    assert statuses(station.drain()) == ["Finishing", "Unavailable"]
    assert not station.request_start(1, "APP")
    assert station.change_availability(1, operative=True) is AvailabilityResult.ACCEPTED
    assert statuses(station.drain()) == ["Available"]
    assert station.change_availability(7, operative=True) is AvailabilityResult.REJECTED


def test_availability_of_the_whole_station(station: Station) -> None:
    """Connector 0 means all of them, and is reported too."""
    assert station.change_availability(0, operative=False) is AvailabilityResult.ACCEPTED
    events = station.drain()
    assert statuses(events, 0) == statuses(events, 1) == statuses(events, 2) == ["Unavailable"]


def test_unlock_ends_the_transaction_first(station: Station) -> None:
    """The reason is UnlockCommand; an unknown connector is NotSupported."""
    begin(station)
    assert station.unlock(1) is UnlockResult.UNLOCKED
    assert [e.reason for e in station.drain() if isinstance(e, TransactionStopped)] == [StopReason.UNLOCK_COMMAND]
    assert station.unlock(5) is UnlockResult.NOT_SUPPORTED


@pytest.mark.parametrize(
    ("restart", "reason"), [(Restart.SOFT, StopReason.SOFT_RESET), (Restart.HARD, StopReason.HARD_RESET)]
)
def test_restart_ends_every_transaction(station: Station, restart: Restart, reason: StopReason) -> None:
    """Both kinds say so; the meters keep their registers, and waiting settings come into force."""
    for connector_id in (1, 2):
        begin(station, connector_id)
    assert station.configuration.change("WebSocketPingInterval", "7") is ChangeResult.REBOOT_REQUIRED
    station.advance(60_000)
    register_wh = station.connectors[1].meter.register_wh
    station.begin_restart(restart)
    assert [e.reason for e in station.drain() if isinstance(e, TransactionStopped)] == [reason, reason]
    assert station.configuration.number("WebSocketPingInterval") == 30
    station.restarted()
    assert station.configuration.number("WebSocketPingInterval") == 7
    assert station.connectors[1].meter.register_wh == register_wh > 5_000


def test_keys_are_changed_as_they_allow(station: Station) -> None:
    """Read-only, unknown and nonsense are distinct; secrets cannot be read."""
    change = station.configuration.change
    assert change("heartbeatinterval", "60") is ChangeResult.ACCEPTED
    assert station.configuration.number("HeartbeatInterval") == 60
    assert change("HeartbeatInterval", "-1") is ChangeResult.REJECTED
    assert change("NumberOfConnectors", "9") is ChangeResult.REJECTED
    assert change("MeterValuesSampledData", "Voltage,Nonsense") is ChangeResult.REJECTED
    assert change("NoSuchKey", "1") is ChangeResult.NOT_SUPPORTED
    assert change("AuthorizationKey", "secret") is ChangeResult.ACCEPTED
    assert station.configuration.lookup("AuthorizationKey") == ("AuthorizationKey", None, False)


def test_what_a_station_decides_alone(station: Station) -> None:
    """Offline the cache decides; online it is asked only with LocalPreAuthorize; a refused tag never starts unasked."""
    assert station.tags.may_start_unasked("NEW", NOW, online=False) is False
    station.tags.cache.remember("good", "Accepted", None)
    station.tags.cache.remember("BAD", "Blocked", None)
    station.tags.cache.remember("OLD", "Accepted", datetime(2026, 1, 30, tzinfo=UTC))
    assert station.tags.may_start_unasked("GOOD", NOW, online=False) is True
    assert station.tags.may_start_unasked("GOOD", NOW, online=True) is None
    assert station.tags.may_start_unasked("OLD", NOW, online=False) is False
    station.configuration.change("LocalPreAuthorize", "true")
    station.configuration.change("AllowOfflineTxForUnknownId", "true")
    assert station.tags.may_start_unasked("GOOD", NOW, online=True) is True
    assert station.tags.may_start_unasked("NEW", NOW, online=False) is True
    assert station.tags.may_start_unasked("BAD", NOW, online=False) is False

"""Which messages a station may send."""

from csms.station.v1.station_ingest_service_pb2 import BootResult
from csms.station.v1.station_pb2 import (
    REGISTRATION_STATUS_ACCEPTED,
    REGISTRATION_STATUS_PENDING,
    REGISTRATION_STATUS_REJECTED,
)

from gateway.connection.registration import Registration

PENDING = BootResult(registration_status=REGISTRATION_STATUS_PENDING, interval_s=60)
REJECTED = BootResult(registration_status=REGISTRATION_STATUS_REJECTED, interval_s=60)
ACCEPTED = BootResult(registration_status=REGISTRATION_STATUS_ACCEPTED, interval_s=600)


def _registration() -> Registration:
    return Registration(accepted=False, heartbeat_interval_s=300)


def test_a_station_that_is_not_accepted_may_boot_and_nothing_else() -> None:
    registration = _registration()
    assert registration.may_send("BootNotification")
    assert not registration.may_send("Heartbeat")


def test_an_accepted_boot_allows_every_message_and_states_the_interval() -> None:
    registration = _registration()
    registration.on_boot_answered(ACCEPTED)
    assert registration.accepted
    assert registration.may_send("Heartbeat")
    assert registration.heartbeat_interval_s == 600


def test_a_later_boot_that_is_not_accepted_takes_it_back() -> None:
    registration = _registration()
    registration.on_boot_answered(ACCEPTED)
    registration.on_boot_answered(PENDING)
    assert not registration.may_send("Heartbeat")


def test_a_triggered_message_is_allowed_until_the_next_boot() -> None:
    registration = _registration()
    registration.allow_triggered(frozenset({"StatusNotification"}))
    assert registration.may_send("StatusNotification")
    assert not registration.may_send("Heartbeat")
    registration.on_boot_answered(PENDING)
    assert not registration.may_send("StatusNotification")


def test_refused_boots_are_counted_until_one_is_not() -> None:
    registration = _registration()
    for expected in (1, 2):
        registration.on_boot_answered(REJECTED)
        assert registration.boot_watch.refused == expected
    registration.on_boot_answered(PENDING)
    assert registration.boot_watch.refused == 0

"""BootNotification of 2.0.1."""

from typing import Any

import pytest
from csms.station.v1 import station_pb2
from csms.station.v1.station_ingest_service_pb2 import BootItem, BootResult
from csms.station.v1.station_pb2 import BootReason, StationIdentity
from csms.transaction.v1.transaction_ingest_service_pb2 import StationBooted
from google.rpc.status_pb2 import Status

from gateway.ocpp.translation import IngestRpc
from tests.gateway.v201 import helpers

ACTION = "BootNotification"


def boot(reason: str = "PowerUp", **station: Any) -> BootItem:
    """The item for a boot."""
    payload = {"reason": reason, "chargingStation": {"vendorName": "V", "model": "M"} | station}
    item = helpers.item(ACTION, payload, IngestRpc.BOOTS)
    assert isinstance(item, BootItem)
    return item


def test_minimal() -> None:
    """Vendor, model and reason are enough."""
    identity = StationIdentity(vendor_name="V", model="M")
    assert boot() == BootItem(origin=helpers.ORIGIN, identity=identity, reason=station_pb2.BOOT_REASON_POWER_UP)


def test_maximal() -> None:
    """Each field has its place."""
    item = boot(serialNumber="serial", firmwareVersion="1.2.3", modem={"iccid": "iccid", "imsi": "imsi"})
    assert item.identity == StationIdentity(
        model="M", vendor_name="V", serial_number="serial", firmware_version="1.2.3", iccid="iccid", imsi="imsi"
    )
    assert boot(modem={}).identity == boot().identity


@pytest.mark.parametrize(
    ("result", "attempts"),
    [
        (BootResult(), {}),
        (BootResult(error=Status(code=5)), {}),
        (BootResult(message_attempts=3), {}),
        (
            BootResult(message_attempts=3, message_attempt_interval_s=0),
            {"message_attempts": 3, "message_attempt_interval_s": 0},
        ),
    ],
    ids=["not known", "not recorded", "half known", "known"],
)
def test_transaction_svc_is_notified_of_a_boot(result: BootResult, attempts: dict[str, int]) -> None:
    """With the serial numbers of meters, and how often the station repeats a message, once station_svc says that."""
    payload: dict[str, Any] = {
        "reason": "PowerUp",
        "chargingStation": {"vendorName": "V", "model": "M", "firmwareVersion": "1.2.3"},
    }
    assert helpers.station_event(ACTION, payload) is None
    item = helpers.follow_up(ACTION, payload, {IngestRpc.BOOTS: result}, IngestRpc.STATION_EVENTS)
    assert item.origin == helpers.ORIGIN
    assert item.boot == StationBooted(vendor_name="V", model="M", firmware_version="1.2.3", **attempts)


def test_reasons() -> None:
    """Every reason has its own; one outside the enumeration (quirk 16) is none."""
    words = helpers.enumeration(ACTION, "BootReasonEnumType")
    told = {word: BootReason.Name(boot(word).reason) for word in words}
    assert sorted(name.removeprefix("BOOT_REASON_").replace("_", "") for name in told.values()) == sorted(
        word.upper() for word in words
    )
    assert boot("Boredom").reason == station_pb2.BOOT_REASON_UNSPECIFIED


def test_made_from_the_schema() -> None:
    """Everything the schema allows can be sent on."""
    for payload in helpers.request_payloads(ACTION):
        helpers.item(ACTION, payload, IngestRpc.BOOTS)


@pytest.mark.parametrize(
    ("status", "word"),
    [
        (station_pb2.REGISTRATION_STATUS_ACCEPTED, "Accepted"),
        (station_pb2.REGISTRATION_STATUS_PENDING, "Pending"),
        (station_pb2.REGISTRATION_STATUS_REJECTED, "Rejected"),
        (station_pb2.REGISTRATION_STATUS_UNSPECIFIED, "Rejected"),
    ],
)
def test_response(status: station_pb2.RegistrationStatus.ValueType, word: str) -> None:
    """The status, our time in the form that every station reads, and the interval."""
    results = {IngestRpc.BOOTS: BootResult(registration_status=status, interval_s=300)}
    response = helpers.to_response(ACTION, {}, results)
    assert response == {"status": word, "currentTime": helpers.NOW, "interval": 300}

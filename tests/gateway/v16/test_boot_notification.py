"""BootNotification of 1.6."""

from typing import Any

import pytest
from csms.station.v1 import station_pb2
from csms.station.v1.station_ingest_service_pb2 import BootItem, BootResult
from csms.station.v1.station_pb2 import StationIdentity
from csms.transaction.v1.transaction_ingest_service_pb2 import StationBooted
from google.rpc.status_pb2 import Status

from gateway.ocpp.translation import IngestRpc
from tests.gateway.v16 import helpers

ACTION = "BootNotification"


def test_minimal() -> None:
    """Vendor and model are enough."""
    item = helpers.item(ACTION, {"chargePointVendor": "V", "chargePointModel": "M"}, IngestRpc.BOOTS)
    assert item == BootItem(origin=helpers.ORIGIN, identity=StationIdentity(vendor_name="V", model="M"))
    assert item.reason == station_pb2.BOOT_REASON_UNSPECIFIED


def test_maximal() -> None:
    """Each field has its place."""
    payload = {
        "chargePointVendor": "vendor",
        "chargePointModel": "model",
        "chargePointSerialNumber": "cp-serial",
        "chargeBoxSerialNumber": "cb-serial",
        "firmwareVersion": "1.2.3",
        "iccid": "iccid",
        "imsi": "imsi",
        "meterType": "meter",
        "meterSerialNumber": "meter-serial",
    }
    assert set(payload) == set(helpers.SCHEMAS.schema(ACTION, "request")["properties"])
    assert helpers.item(ACTION, payload, IngestRpc.BOOTS).identity == StationIdentity(
        model="model",
        vendor_name="vendor",
        serial_number="cp-serial",
        firmware_version="1.2.3",
        iccid="iccid",
        imsi="imsi",
        meter_serial_number="meter-serial",
        meter_type="meter",
        charge_box_serial_number="cb-serial",
    )


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
    payload: dict[str, Any] = {"chargePointVendor": "V", "chargePointModel": "M", "firmwareVersion": "1.2.3"}
    assert helpers.station_event(ACTION, payload) is None
    item = helpers.follow_up(ACTION, payload, {IngestRpc.BOOTS: result}, IngestRpc.STATION_EVENTS)
    assert item.origin == helpers.ORIGIN
    assert item.boot == StationBooted(vendor_name="V", model="M", firmware_version="1.2.3", **attempts)


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

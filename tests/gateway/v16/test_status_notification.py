"""StatusNotification of 1.6."""

from typing import Any

import pytest
from csms.common.v1.evse_pb2 import EvseRef
from csms.station.v1 import station_pb2
from csms.station.v1.station_ingest_service_pb2 import StatusItem, StatusResult
from csms.station.v1.station_pb2 import StatusReport
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.ocpp.translation import IngestRpc, UnacceptableError
from tests.gateway.v16 import helpers

ACTION = "StatusNotification"
MINIMAL = {"connectorId": 1, "errorCode": "NoError", "status": "Available"}

OCCUPIED = station_pb2.CONNECTOR_STATUS_OCCUPIED
STATUSES = {
    "Available": station_pb2.CONNECTOR_STATUS_AVAILABLE,
    "Preparing": OCCUPIED,
    "Charging": OCCUPIED,
    "SuspendedEVSE": OCCUPIED,
    "SuspendedEV": OCCUPIED,
    "Finishing": OCCUPIED,
    "Reserved": station_pb2.CONNECTOR_STATUS_RESERVED,
    "Unavailable": station_pb2.CONNECTOR_STATUS_UNAVAILABLE,
    "Faulted": station_pb2.CONNECTOR_STATUS_FAULTED,
}


def report(**fields: Any) -> StatusReport:
    """The item for the minimal payload with these fields."""
    item = helpers.item(ACTION, MINIMAL | fields, IngestRpc.STATUSES)
    assert isinstance(item, StatusItem)
    assert item.origin == helpers.ORIGIN
    return item.status


def test_minimal() -> None:
    """No error is none, and no time is absent."""
    assert report() == StatusReport(
        evse=EvseRef(evse_id=1, connector_id=1),
        status=station_pb2.CONNECTOR_STATUS_AVAILABLE,
        reported_status="Available",
    )
    assert not report().HasField("status_time")


def test_maximal() -> None:
    """Each field has its place."""
    fields = {
        "connectorId": 2,
        "errorCode": "GroundFailure",
        "status": "Faulted",
        "info": "wet",
        "timestamp": "2025-01-01T12:00:00.25Z",
        "vendorId": "org.vendor",
        "vendorErrorCode": "E7",
    }
    assert set(fields) == set(helpers.SCHEMAS.schema(ACTION, "request")["properties"])
    assert report(**fields) == StatusReport(
        evse=EvseRef(evse_id=2, connector_id=1),
        status=station_pb2.CONNECTOR_STATUS_FAULTED,
        reported_status="Faulted",
        error_code="GroundFailure",
        info="wet",
        vendor_id="org.vendor",
        vendor_error_code="E7",
        status_time=Timestamp(seconds=1_735_732_800, nanos=250_000_000),
    )


def test_words() -> None:
    """Every status of the schema has its 2.x status, and keeps its own word."""
    assert set(STATUSES) == set(helpers.SCHEMAS.schema(ACTION, "request")["properties"]["status"]["enum"])
    for word, status in STATUSES.items():
        assert report(status=word) == StatusReport(
            evse=EvseRef(evse_id=1, connector_id=1), status=status, reported_status=word
        )


def test_unknown_words() -> None:
    """Quirk 16: words outside the enumerations are kept, and mapped to unspecified."""
    odd = report(status="Sleeping", errorCode="Error")
    assert (odd.status, odd.reported_status) == (station_pb2.CONNECTOR_STATUS_UNSPECIFIED, "Sleeping")
    assert odd.error_code == "Error"


def test_station_as_a_whole() -> None:
    """Connector 0 is EVSE 0, without a connector."""
    item = report(connectorId=0)
    assert item.HasField("evse")
    assert item.evse == EvseRef()


def test_made_from_the_schema() -> None:
    """Everything the schema allows can be sent on."""
    for payload in helpers.request_payloads(ACTION):
        helpers.item(ACTION, payload, IngestRpc.STATUSES)


@pytest.mark.parametrize("connector_id", [-1, 2**31, -(10**30)])
def test_impossible_connector(connector_id: int) -> None:
    """Numbers that no connector can have are refused by name."""
    with pytest.raises(UnacceptableError) as caught:
        report(connectorId=connector_id)
    assert (caught.value.code, caught.value.field) == ("PropertyConstraintViolation", "connectorId")


def test_unreadable_time() -> None:
    """An unreadable time is absent."""
    assert not report(timestamp="0000-00-00T00:00:00Z").HasField("status_time")


def test_response() -> None:
    """The answer is empty."""
    assert helpers.to_response(ACTION, MINIMAL, {IngestRpc.STATUSES: StatusResult()}) == {}


def test_an_available_connector_is_told_to_transaction_svc() -> None:
    """With its time, where that can be read; no other status is, nor that of the station as a whole."""
    told = helpers.station_event(ACTION, MINIMAL | {"timestamp": "2025-01-01T12:00:00Z"})
    assert told.origin == helpers.ORIGIN
    assert told.connector_available.evse == EvseRef(evse_id=1, connector_id=1)
    assert told.connector_available.status_time == Timestamp(seconds=1_735_732_800)
    assert not helpers.station_event(ACTION, MINIMAL).connector_available.HasField("status_time")
    others = [MINIMAL | {"status": word} for word in STATUSES if word != "Available"]
    assert [helpers.station_event(ACTION, payload) for payload in [*others, MINIMAL | {"connectorId": 0}]] == [None] * 9

"""StatusNotification of 2.0.1."""

from typing import Any

import pytest
from csms.common.v1.evse_pb2 import EvseRef
from csms.station.v1 import station_pb2
from csms.station.v1.station_ingest_service_pb2 import StatusResult
from csms.station.v1.station_pb2 import ConnectorStatus, StatusReport
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.ocpp.translation import IngestRpc, UnacceptableError
from tests.gateway.v201 import helpers

ACTION = "StatusNotification"
PAYLOAD = {"timestamp": "2025-01-01T12:00:00Z", "connectorStatus": "Occupied", "evseId": 2, "connectorId": 1}


def status(**fields: Any) -> StatusReport:
    """The item for a status."""
    item = helpers.item(ACTION, PAYLOAD | fields, IngestRpc.STATUSES)
    assert item.origin == helpers.ORIGIN
    assert isinstance(item.status, StatusReport)
    return item.status


def test_report() -> None:
    """Place, status and time; 2.x has nothing more to say here."""
    assert status() == StatusReport(
        evse=EvseRef(evse_id=2, connector_id=1),
        status=station_pb2.CONNECTOR_STATUS_OCCUPIED,
        reported_status="Occupied",
        status_time=Timestamp(seconds=1_735_732_800),
    )


def test_words() -> None:
    """Every word arrives as itself; one outside the enumeration (quirk 16) is kept."""
    for word in helpers.enumeration(ACTION, "ConnectorStatusEnumType"):
        report = status(connectorStatus=word)
        assert ConnectorStatus.Name(report.status) == f"CONNECTOR_STATUS_{word.upper()}"
        assert report.reported_status == word
    odd = status(connectorStatus="Sleeping")
    assert (odd.status, odd.reported_status) == (station_pb2.CONNECTOR_STATUS_UNSPECIFIED, "Sleeping")


def test_anomalies() -> None:
    """Quirk 11: an unreadable time is none. Whole numbers may have a point."""
    assert not status(timestamp="now").HasField("status_time")
    assert status(evseId=2.0, connectorId=1.0).evse == EvseRef(evse_id=2, connector_id=1)


@pytest.mark.parametrize(("field", "value"), [("evseId", -1), ("connectorId", -1), ("evseId", 2**31)])
def test_impossible_numbers(field: str, value: int) -> None:
    """Numbers beyond what can be stored are refused by name."""
    with pytest.raises(UnacceptableError) as caught:
        status(**{field: value})
    assert caught.value.field == field


def test_made_from_the_schema() -> None:
    """Everything the schema allows can be sent on."""
    for payload in helpers.request_payloads(ACTION):
        helpers.item(ACTION, payload, IngestRpc.STATUSES)


def test_response() -> None:
    """The answer is empty."""
    assert helpers.to_response(ACTION, PAYLOAD, {IngestRpc.STATUSES: StatusResult()}) == {}


def test_an_available_connector_is_told_to_transaction_svc() -> None:
    """With its time; no other status is, nor that of the station as a whole."""
    told = helpers.station_event(ACTION, PAYLOAD | {"connectorStatus": "Available"})
    assert told.origin == helpers.ORIGIN
    assert told.connector_available.evse == EvseRef(evse_id=2, connector_id=1)
    assert told.connector_available.status_time == Timestamp(seconds=1_735_732_800)
    assert helpers.station_event(ACTION, PAYLOAD) is None
    assert helpers.station_event(ACTION, PAYLOAD | {"connectorStatus": "Available", "evseId": 0}) is None

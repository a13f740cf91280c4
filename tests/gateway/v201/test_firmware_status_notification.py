"""FirmwareStatusNotification of 2.0.1."""

import pytest
from csms.station.v1 import firmware_pb2
from csms.station.v1.station_ingest_service_pb2 import ReportResult

from gateway.ocpp.translation import IngestRpc, UnacceptableError
from tests.gateway.v201 import helpers

ACTION = "FirmwareStatusNotification"


def test_words() -> None:
    """Every word has a status of its own, and goes along itself."""
    statuses = set()
    for payload in helpers.request_payloads(ACTION):
        report = helpers.item(ACTION, payload, IngestRpc.REPORTS).firmware_status
        assert report.reported_status == payload["status"]
        statuses.add(report.status)
    assert statuses == set(firmware_pb2.FirmwareStatus.values()) - {firmware_pb2.FIRMWARE_STATUS_UNSPECIFIED}


@pytest.mark.parametrize(
    ("payload", "number"), [({"requestId": 7}, 7), ({"requestId": 0}, 0), ({}, None), ({"requestId": -1}, None)]
)
def test_numbers(payload: dict[str, int], number: int | None) -> None:
    """The update that is named, if one is; below 0 there is none."""
    report = helpers.item(ACTION, {"status": "Installing", **payload}, IngestRpc.REPORTS).firmware_status
    found = report.firmware_update_id if report.HasField("firmware_update_id") else None
    assert found == number


def test_a_number_that_is_too_large() -> None:
    """Is refused by its name."""
    with pytest.raises(UnacceptableError) as caught:
        helpers.to_items(ACTION, {"status": "Installed", "requestId": 2**31})
    assert caught.value.field == "requestId"


def test_answer() -> None:
    """Empty."""
    assert helpers.to_response(ACTION, {"status": "Idle"}, {IngestRpc.REPORTS: ReportResult()}) == {}

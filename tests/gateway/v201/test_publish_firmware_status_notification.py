"""PublishFirmwareStatusNotification of 2.0.1."""

from typing import Any

import pytest
from csms.station.v1 import firmware_publication_pb2 as pb
from csms.station.v1.station_ingest_service_pb2 import ReportResult

from gateway.ocpp.translation import IngestRpc, UnacceptableError
from gateway.ocpp.v201.publish_firmware_status_notification import MOST_LOCATIONS
from tests.gateway.v201 import helpers

ACTION = "PublishFirmwareStatusNotification"


def _report(payload: dict[str, Any]) -> pb.FirmwarePublicationReport:
    item = helpers.item(ACTION, payload, IngestRpc.REPORTS)
    assert item.origin == helpers.ORIGIN
    report: pb.FirmwarePublicationReport = item.firmware_publication_status
    return report


def test_words() -> None:
    """Every word has a status of its own, and is kept beside it."""
    reports = [_report(payload) for payload in helpers.request_payloads(ACTION)]
    statuses = {report.status for report in reports}
    assert statuses == set(pb.PublishFirmwareStatus.values()) - {pb.PUBLISH_FIRMWARE_STATUS_UNSPECIFIED}
    assert all(report.reported_status for report in reports)


def test_locations() -> None:
    """As many as are kept, of as many as come."""
    given = [f"https://10.0.0.1/{number}" for number in range(MOST_LOCATIONS + 5)]
    report = _report({"status": "Published", "location": given, "requestId": 7})
    assert (list(report.locations), report.firmware_publication_id) == (given[:MOST_LOCATIONS], 7)


@pytest.mark.parametrize(("payload", "number"), [({"requestId": 0}, 0), ({}, None), ({"requestId": -1}, None)])
def test_numbers(payload: dict[str, int], number: int | None) -> None:
    report = _report({"status": "Downloading", **payload})
    found = report.firmware_publication_id if report.HasField("firmware_publication_id") else None
    assert found == number


def test_a_number_that_cannot_be_stored_is_refused_by_its_name() -> None:
    with pytest.raises(UnacceptableError) as caught:
        helpers.to_items(ACTION, {"status": "Published", "requestId": 2**31})
    assert caught.value.field == "requestId"


def test_answer() -> None:
    assert helpers.to_response(ACTION, {"status": "Idle"}, {IngestRpc.REPORTS: ReportResult()}) == {}

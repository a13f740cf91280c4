"""LogStatusNotification of 2.0.1."""

import pytest
from csms.station.v1 import log_pb2
from csms.station.v1.station_ingest_service_pb2 import ReportResult

from gateway.ocpp.translation import IngestRpc, UnacceptableError
from tests.gateway.v201 import helpers

ACTION = "LogStatusNotification"


def test_words() -> None:
    """Every word has a status of its own, and is kept beside it."""
    statuses = set()
    for payload in helpers.request_payloads(ACTION):
        report = helpers.item(ACTION, payload, IngestRpc.REPORTS).log_status
        assert report.reported_status == payload["status"]
        statuses.add(report.status)
    assert statuses == set(log_pb2.UploadLogStatus.values()) - {log_pb2.UPLOAD_LOG_STATUS_UNSPECIFIED}


@pytest.mark.parametrize(("payload", "number"), [({"requestId": 7}, 7), ({"requestId": 0}, 0), ({}, None)])
def test_numbers(payload: dict[str, int], number: int | None) -> None:
    """Without a request id it is about no upload in particular (N01.FR.13, as the answer to a trigger)."""
    report = helpers.item(ACTION, {"status": "Uploading", **payload}, IngestRpc.REPORTS).log_status
    assert (report.log_upload_id if report.HasField("log_upload_id") else None) == number


def test_a_number_that_cannot_be_stored_is_refused_by_its_name() -> None:
    with pytest.raises(UnacceptableError) as caught:
        helpers.to_items(ACTION, {"status": "Uploaded", "requestId": 2**31})
    assert caught.value.field == "requestId"


def test_answer() -> None:
    assert helpers.to_response(ACTION, {"status": "Idle"}, {IngestRpc.REPORTS: ReportResult()}) == {}

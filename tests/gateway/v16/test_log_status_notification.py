"""LogStatusNotification of 1.6's security extension."""

import pytest
from csms.station.v1 import log_pb2
from csms.station.v1.station_ingest_service_pb2 import ReportResult

from gateway.ocpp.translation import IngestRpc, UnacceptableError
from tests.gateway.v16 import helpers

ACTION = "LogStatusNotification"


def test_words() -> None:
    """Every word has a status of its own, and goes along itself. AcceptedCanceled came with 2.0.1."""
    statuses = set()
    for payload in helpers.request_payloads(ACTION):
        report = helpers.item(ACTION, payload, IngestRpc.REPORTS).log_status
        assert report.reported_status == payload["status"]
        statuses.add(report.status)
    later = {log_pb2.UPLOAD_LOG_STATUS_UNSPECIFIED, log_pb2.UPLOAD_LOG_STATUS_ACCEPTED_CANCELED}
    assert statuses == set(log_pb2.UploadLogStatus.values()) - later


@pytest.mark.parametrize(
    ("payload", "number"), [({"requestId": 7}, 7), ({"requestId": 0}, 0), ({}, None), ({"requestId": -1}, None)]
)
def test_numbers(payload: dict[str, int], number: int | None) -> None:
    """The upload that is named, if one is; below 0 there is none."""
    report = helpers.item(ACTION, {"status": "Uploading", **payload}, IngestRpc.REPORTS).log_status
    found = report.log_upload_id if report.HasField("log_upload_id") else None
    assert found == number


def test_a_number_that_is_too_large() -> None:
    """Is refused by its name."""
    with pytest.raises(UnacceptableError) as caught:
        helpers.to_items(ACTION, {"status": "Uploaded", "requestId": -(2**31) - 1})
    assert caught.value.field == "requestId"


def test_answer() -> None:
    """Empty."""
    assert helpers.to_response(ACTION, {"status": "Idle"}, {IngestRpc.REPORTS: ReportResult()}) == {}

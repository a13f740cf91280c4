"""DiagnosticsStatusNotification of 1.6."""

from csms.station.v1.log_pb2 import UploadLogStatus
from csms.station.v1.station_ingest_service_pb2 import ReportResult

from gateway.ocpp.translation import IngestRpc
from tests.gateway.v16 import helpers

ACTION = "DiagnosticsStatusNotification"


def test_words() -> None:
    """Every word of 1.6 has its status, and goes along itself; no upload is named."""
    told = {}
    for payload in helpers.request_payloads(ACTION):
        item = helpers.item(ACTION, payload, IngestRpc.REPORTS)
        assert item.origin == helpers.ORIGIN
        assert item.log_status.reported_status == payload["status"]
        assert not item.log_status.HasField("log_upload_id")
        told[payload["status"]] = UploadLogStatus.Name(item.log_status.status).removeprefix("UPLOAD_LOG_STATUS_")
    assert told == {
        "Idle": "IDLE",
        "Uploaded": "UPLOADED",
        "UploadFailed": "UPLOAD_FAILURE",
        "Uploading": "UPLOADING",
    }


def test_answer() -> None:
    """Empty."""
    assert helpers.to_response(ACTION, {"status": "Idle"}, {IngestRpc.REPORTS: ReportResult()}) == {}

"""FirmwareStatusNotification of 1.6."""

from csms.station.v1.firmware_pb2 import FirmwareStatus
from csms.station.v1.station_ingest_service_pb2 import ReportResult

from gateway.ocpp.translation import IngestRpc
from tests.gateway.v16 import helpers

ACTION = "FirmwareStatusNotification"


def test_words() -> None:
    """Every word of 1.6 has its status, and goes along itself; no update is named."""
    told = {}
    for payload in helpers.request_payloads(ACTION):
        item = helpers.item(ACTION, payload, IngestRpc.REPORTS)
        assert item.origin == helpers.ORIGIN
        assert item.firmware_status.reported_status == payload["status"]
        assert not item.firmware_status.HasField("firmware_update_id")
        told[payload["status"]] = FirmwareStatus.Name(item.firmware_status.status).removeprefix("FIRMWARE_STATUS_")
    assert told == {
        "Downloaded": "DOWNLOADED",
        "DownloadFailed": "DOWNLOAD_FAILED",
        "Downloading": "DOWNLOADING",
        "Idle": "IDLE",
        "InstallationFailed": "INSTALLATION_FAILED",
        "Installing": "INSTALLING",
        "Installed": "INSTALLED",
    }


def test_answer() -> None:
    """Empty."""
    assert helpers.to_response(ACTION, {"status": "Idle"}, {IngestRpc.REPORTS: ReportResult()}) == {}

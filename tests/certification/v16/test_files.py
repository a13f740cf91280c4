"""Firmware that a charge point fetches, and logs that it uploads."""

from typing import Any

import pytest
from csms.station.v1 import firmware_pb2, firmware_service_pb2, log_pb2, log_service_pb2, security_event_service_pb2
from csms.station.v1.firmware_service_pb2_grpc import FirmwareServiceStub
from csms.station.v1.log_service_pb2_grpc import LogServiceStub
from csms.station.v1.security_event_service_pb2_grpc import SecurityEventServiceStub

from mesh.runtime.times import now_us, to_timestamp
from tests.certification.played_station import now
from tests.certification.v16.charge_point import ChargePoint
from tests.gateway.rig import TIMEOUT_S

pytestmark = pytest.mark.asyncio(loop_scope="module")

LOCATION = "https://files.example.org/firmware.bin"
UPLOADS = "https://files.example.org/logs"


async def _read(charge_point: ChargePoint, method: Any, request: Any) -> Any:
    return await method(request, metadata=charge_point.mesh.metadata, timeout=TIMEOUT_S)


async def _update(charge_point: ChargePoint, number: int) -> Any:
    """A firmware update, as operators see it."""
    service: Any = FirmwareServiceStub(charge_point.mesh.station_channel)
    request = firmware_service_pb2.GetFirmwareUpdateRequest(
        station_id=charge_point.station_id, firmware_update_id=number
    )
    return (await _read(charge_point, service.GetFirmwareUpdate, request)).firmware_update


async def _upload(charge_point: ChargePoint, number: int) -> Any:
    """The upload of a log, as operators see it."""
    service: Any = LogServiceStub(charge_point.mesh.station_channel)
    request = log_service_pb2.GetLogUploadRequest(station_id=charge_point.station_id, log_upload_id=number)
    return (await _read(charge_point, service.GetLogUpload, request)).log_upload


async def _update_plainly(charge_point: ChargePoint, *statuses: str) -> Any:
    """UpdateFirmware, and how it goes; returns the update after that."""
    firmware = {"location": LOCATION, "retrieve_time": to_timestamp(now_us())}
    action, payload, told = await charge_point.told("UpdateFirmware", {}, firmware=firmware, retries=1)
    assert (action, payload["location"], payload["retries"]) == ("UpdateFirmware", LOCATION, 1)
    for status in statuses:
        if status == "boot":
            await charge_point.boot()
        else:
            assert await charge_point.call("FirmwareStatusNotification", status=status) == {}
            reported = (await _update(charge_point, told.firmware_update_id)).reported_status
            assert reported == status
    return await _update(charge_point, told.firmware_update_id)


async def test_tc_044_1_csms(charge_point: ChargePoint) -> None:
    """An update is fetched and installed; the charge point restarts in between."""
    update = await _update_plainly(charge_point, "Downloading", "Downloaded", "Installing", "boot", "Installed")
    assert update.state == firmware_service_pb2.FIRMWARE_UPDATE_STATE_INSTALLED
    assert [report.reported_status for report in update.status_reports][-1] == "Installed"


async def test_tc_044_2_csms(charge_point: ChargePoint) -> None:
    """An update that could not be fetched."""
    update = await _update_plainly(charge_point, "Downloading", "DownloadFailed")
    assert update.state == firmware_service_pb2.FIRMWARE_UPDATE_STATE_FAILED


async def test_tc_044_3_csms(charge_point: ChargePoint) -> None:
    """An update that could not be installed."""
    update = await _update_plainly(charge_point, "Downloading", "Downloaded", "Installing", "InstallationFailed")
    assert update.state == firmware_service_pb2.FIRMWARE_UPDATE_STATE_FAILED


async def test_tc_045_1_csms(charge_point: ChargePoint) -> None:
    """Diagnostics are uploaded."""
    log = {"remote_location": UPLOADS, "oldest_time": to_timestamp(now_us() - 3_600_000_000)}
    action, payload, told = await charge_point.told(
        "GetLog", {"fileName": "diagnostics.zip"}, log_type=log_pb2.LOG_TYPE_DIAGNOSTICS, log=log
    )
    assert (action, payload["location"]) == ("GetDiagnostics", UPLOADS)
    assert payload["startTime"] < now(-3_500)
    assert told.file_name == "diagnostics.zip"
    for status in ("Uploading", "Uploaded"):
        assert await charge_point.call("DiagnosticsStatusNotification", status=status) == {}
    upload = await _upload(charge_point, told.log_upload_id)
    assert upload.state == log_service_pb2.LOG_UPLOAD_STATE_UPLOADED
    assert upload.file_name == "diagnostics.zip"


async def test_tc_079_csms(charge_point: ChargePoint) -> None:
    """The security log is uploaded."""
    action, payload, told = await charge_point.told(
        "GetLog",
        {"status": "Accepted", "filename": "security.log"},
        log_type=log_pb2.LOG_TYPE_SECURITY,
        log={"remote_location": UPLOADS},
    )
    assert action == "GetLog"
    assert (payload["logType"], payload["log"]["remoteLocation"]) == ("SecurityLog", UPLOADS)
    assert payload["requestId"] == told.log_upload_id
    assert told.status == log_pb2.LOG_STATUS_ACCEPTED
    for status in ("Uploading", "Uploaded"):
        assert await charge_point.call("LogStatusNotification", status=status, requestId=payload["requestId"]) == {}
    upload = await _upload(charge_point, told.log_upload_id)
    assert upload.state == log_service_pb2.LOG_UPLOAD_STATE_UPLOADED


async def _update_signed(charge_point: ChargePoint, *statuses: str) -> Any:
    """SignedUpdateFirmware, and how it goes; returns the update after that."""
    firmware = {
        "location": LOCATION,
        "retrieve_time": to_timestamp(now_us()),
        "install_time": to_timestamp(now_us()),
        "signing_certificate": "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
        "signature": "c2lnbmF0dXJl",
    }
    action, payload, told = await charge_point.told("UpdateFirmware", {"status": "Accepted"}, firmware=firmware)
    number = payload["requestId"]
    assert (action, number) == ("SignedUpdateFirmware", told.firmware_update_id)
    assert payload["firmware"]["location"] == LOCATION
    assert payload["firmware"]["signature"] == "c2lnbmF0dXJl"
    assert told.status == firmware_pb2.UPDATE_FIRMWARE_STATUS_ACCEPTED
    for status in statuses:
        if status == "boot":
            await charge_point.boot()
        else:
            answer = await charge_point.call("SignedFirmwareStatusNotification", status=status, requestId=number)
            assert answer == {}
    return await _update(charge_point, number)


async def test_tc_080_csms(charge_point: ChargePoint) -> None:
    """A signed update: fetched, its signature good, installed."""
    update = await _update_signed(
        charge_point,
        *("Downloading", "Downloaded", "SignatureVerified", "Installing", "InstallRebooting", "boot", "Installed"),
    )
    assert update.state == firmware_service_pb2.FIRMWARE_UPDATE_STATE_INSTALLED
    assert update.signed


async def test_tc_081_csms(charge_point: ChargePoint) -> None:
    """A signed update whose signature is wrong: nothing is installed, and it is a security event."""
    update = await _update_signed(charge_point, "Downloading", "Downloaded", "InvalidSignature")
    assert update.state == firmware_service_pb2.FIRMWARE_UPDATE_STATE_FAILED
    answer = await charge_point.call("SecurityEventNotification", type="InvalidFirmwareSignature", timestamp=now())
    assert answer == {}
    assert await security_events(charge_point) == ["InvalidFirmwareSignature"]


async def security_events(charge_point: ChargePoint) -> list[str]:
    """The security events that operators see of the charge point, newest first."""
    service: Any = SecurityEventServiceStub(charge_point.mesh.station_channel)
    request = security_event_service_pb2.ListSecurityEventsRequest(station_id=charge_point.station_id)
    response = await _read(charge_point, service.ListSecurityEvents, request)
    return [event.type for event in response.security_events]

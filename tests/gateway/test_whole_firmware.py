"""Firmware and logs over OCPP 1.6, from the operator to the socket and back, on both databases.

tests/certification has what certification asks for; here is what operators read of it, whole.
"""

import asyncio
from collections.abc import Awaitable
from typing import Any

from csms.station.v1 import firmware_pb2, firmware_service_pb2, log_pb2, log_service_pb2
from csms.station.v1.firmware_service_pb2_grpc import FirmwareServiceStub
from csms.station.v1.log_service_pb2 import LogUpload, LogUploadState
from csms.station.v1.log_service_pb2_grpc import LogServiceStub
from csms.station.v1.security_event_service_pb2 import ListSecurityEventsRequest
from csms.station.v1.security_event_service_pb2_grpc import SecurityEventServiceStub
from google.protobuf.timestamp_pb2 import Timestamp

from tests.gateway.raw_station import RawStation
from tests.gateway.rig import TIMEOUT_S, MeshRig

NOON = Timestamp(seconds=1_767_268_800)  # 2026-01-01T12:00:00Z
NOON_TEXT = "2026-01-01T12:00:00.000Z"
PLACE = "ftp://example.org/firmware.bin"
BOOT = {"chargePointModel": "Raw", "chargePointVendor": "Tests"}


async def _give(station: RawStation, command: Awaitable[Any], answer: Any) -> tuple[Any, Any]:
    """A command, and what the station got, which answers it so."""
    task = asyncio.ensure_future(command)
    call = await station.answer(answer)
    return await task, call


async def _report(station: RawStation, action: str, *words: str, **more: int) -> None:
    """The station reports, and is answered with nothing."""
    for word in words:
        assert await station.call(action, {"status": word, **more}) == {}


async def _update_plainly(mesh: MeshRig, station: RawStation) -> int:
    """An update that is not signed; its number."""
    request = firmware_pb2.UpdateFirmwareRequest(
        station_id="CP1", firmware=firmware_pb2.Firmware(location=PLACE, retrieve_time=NOON), retries=2
    )
    command = mesh.commands.UpdateFirmware(request, metadata=mesh.metadata, timeout=TIMEOUT_S)
    answer, call = await _give(station, command, {})
    assert call == ["UpdateFirmware", {"location": PLACE, "retrieveDate": NOON_TEXT, "retries": 2}]
    assert answer.status == firmware_pb2.UPDATE_FIRMWARE_STATUS_ACCEPTED
    number: int = answer.firmware_update_id
    return number


async def _update_signed(mesh: MeshRig, station: RawStation) -> int:
    """An update that is signed; its number."""
    firmware = firmware_pb2.Firmware(
        location=PLACE, retrieve_time=NOON, install_time=NOON, signing_certificate="cert", signature="sign"
    )
    request = firmware_pb2.UpdateFirmwareRequest(station_id="CP1", firmware=firmware)
    command = mesh.commands.UpdateFirmware(request, metadata=mesh.metadata, timeout=TIMEOUT_S)
    answer, call = await _give(station, command, {"status": "Accepted"})
    number: int = answer.firmware_update_id
    given = {
        "location": PLACE,
        "retrieveDateTime": NOON_TEXT,
        "installDateTime": NOON_TEXT,
        "signingCertificate": "cert",
        "signature": "sign",
    }
    assert call == ["SignedUpdateFirmware", {"requestId": number, "firmware": given}]
    assert answer.status == firmware_pb2.UPDATE_FIRMWARE_STATUS_ACCEPTED
    return number


async def _update(mesh: MeshRig, number: int) -> tuple[str, firmware_service_pb2.FirmwareUpdate]:
    """How far an update is, and all of it."""
    request = firmware_service_pb2.GetFirmwareUpdateRequest(station_id="CP1", firmware_update_id=number)
    stub = FirmwareServiceStub(mesh.station_channel)
    update = (await stub.GetFirmwareUpdate(request, metadata=mesh.metadata, timeout=TIMEOUT_S)).firmware_update
    state = firmware_service_pb2.FirmwareUpdateState.Name(update.state)
    return state.removeprefix("FIRMWARE_UPDATE_STATE_"), update


async def test_an_update_is_installed_over_a_restart(mesh_on_both: MeshRig) -> None:
    """Statuses without a number, and a boot that reports the new version."""
    mesh = mesh_on_both
    async with RawStation(mesh.station_url("CP1")) as station:
        await station.call("BootNotification", {**BOOT, "firmwareVersion": "1.0"})
        number = await _update_plainly(mesh, station)
        await _report(station, "FirmwareStatusNotification", "Downloading", "Downloaded", "Installing")
    assert (await _update(mesh, number))[0] == "INSTALLING"
    async with RawStation(mesh.station_url("CP1")) as station:
        await station.call("BootNotification", {**BOOT, "firmwareVersion": "2.0"})
        await _report(station, "FirmwareStatusNotification", "Installed", "Idle")
    state, update = await _update(mesh, number)
    assert state == "INSTALLED"
    assert (update.previous_version, update.installed_version) == ("1.0", "2.0")
    words = [report.reported_status for report in update.status_reports]
    assert words == ["Downloading", "Downloaded", "Installing", "Installed", "Idle"]


async def _only_upload(mesh: MeshRig) -> LogUpload:
    stub = LogServiceStub(mesh.station_channel)
    request = log_service_pb2.ListLogUploadsRequest(station_id="CP1")
    [upload] = (await stub.ListLogUploads(request, metadata=mesh.metadata, timeout=TIMEOUT_S)).log_uploads
    found: LogUpload = upload
    return found


async def test_diagnostics(mesh_on_both: MeshRig) -> None:
    """GetDiagnostics of a time, its file's name, and statuses without a number."""
    mesh = mesh_on_both
    log = log_pb2.LogParameters(remote_location="ftp://h/", oldest_time=NOON, latest_time=NOON)
    request = log_pb2.GetLogRequest(station_id="CP1", log_type=log_pb2.LOG_TYPE_DIAGNOSTICS, log=log)
    async with RawStation(mesh.station_url("CP1")) as station:
        await station.boot()
        command = mesh.commands.GetLog(request, metadata=mesh.metadata, timeout=TIMEOUT_S)
        told, call = await _give(station, command, {"fileName": "a.log"})
        assert call == ["GetDiagnostics", {"location": "ftp://h/", "startTime": NOON_TEXT, "stopTime": NOON_TEXT}]
        assert (told.status, told.file_name) == (log_pb2.LOG_STATUS_ACCEPTED, "a.log")
        await _report(station, "DiagnosticsStatusNotification", "Uploading", "Uploaded")
    upload = await _only_upload(mesh)
    assert (upload.log_upload_id, upload.file_name) == (told.log_upload_id, "a.log")
    assert upload.state == LogUploadState.Value("LOG_UPLOAD_STATE_UPLOADED")


async def test_the_security_log(mesh_on_both: MeshRig) -> None:
    """GetLog, and statuses that name its number."""
    mesh = mesh_on_both
    log = log_pb2.LogParameters(remote_location="https://h/")
    request = log_pb2.GetLogRequest(station_id="CP1", log_type=log_pb2.LOG_TYPE_SECURITY, log=log, log_upload_id=5)
    async with RawStation(mesh.station_url("CP1")) as station:
        await station.boot()
        command = mesh.commands.GetLog(request, metadata=mesh.metadata, timeout=TIMEOUT_S)
        told, call = await _give(station, command, {"status": "Accepted", "filename": "s.log"})
        assert call == ["GetLog", {"logType": "SecurityLog", "requestId": 5, "log": {"remoteLocation": "https://h/"}}]
        assert (told.status, told.file_name) == (log_pb2.LOG_STATUS_ACCEPTED, "s.log")
        await _report(station, "LogStatusNotification", "Uploading", "Uploaded", requestId=5)
    upload = await _only_upload(mesh)
    assert (upload.log_upload_id, upload.log_type) == (5, log_pb2.LOG_TYPE_SECURITY)
    assert upload.state == LogUploadState.Value("LOG_UPLOAD_STATE_UPLOADED")


async def _security_events(mesh: MeshRig) -> list[str]:
    stub = SecurityEventServiceStub(mesh.station_channel)
    request = ListSecurityEventsRequest(station_id="CP1")
    response = await stub.ListSecurityEvents(request, metadata=mesh.metadata, timeout=TIMEOUT_S)
    return [event.type for event in response.security_events]


async def test_a_signed_update(mesh_on_both: MeshRig) -> None:
    """Statuses by number, over a restart."""
    mesh = mesh_on_both
    action = "SignedFirmwareStatusNotification"
    async with RawStation(mesh.station_url("CP1")) as station:
        await station.boot()
        number = await _update_signed(mesh, station)
        words = ["Downloading", "Downloaded", "SignatureVerified", "Installing", "InstallRebooting"]
        await _report(station, action, *words, requestId=number)
    assert (await _update(mesh, number))[0] == "INSTALLING"
    async with RawStation(mesh.station_url("CP1")) as station:
        await station.boot()
        event = {"type": "FirmwareUpdated", "timestamp": NOON_TEXT}
        assert await station.call("SecurityEventNotification", event) == {}
        await _report(station, action, "Installed", requestId=number)
    state, update = await _update(mesh, number)
    assert (state, update.signed) == ("INSTALLED", True)
    assert not update.firmware.signing_certificate
    assert [report.reported_status for report in update.status_reports] == [*words, "Installed"]
    assert await _security_events(mesh) == ["FirmwareUpdated"]

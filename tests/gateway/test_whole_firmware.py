"""Firmware and logs over OCPP 1.6, from the operator's command to the socket and back, on both databases."""

import asyncio
from collections.abc import Awaitable
from typing import Any

import pytest
from csms.station.v1 import firmware_pb2, firmware_service_pb2, log_pb2, log_service_pb2
from csms.station.v1.firmware_service_pb2 import FirmwareUpdateState
from csms.station.v1.firmware_service_pb2_grpc import FirmwareServiceStub
from csms.station.v1.log_service_pb2 import LogUploadState
from csms.station.v1.log_service_pb2_grpc import LogServiceStub
from google.protobuf.timestamp_pb2 import Timestamp

from tests.gateway.raw_station import RawStation
from tests.gateway.rig import TIMEOUT_S, MeshRig

NOON = Timestamp(seconds=1_767_268_800)  # 2026-01-01T12:00:00Z
PLACE = "ftp://example.org/firmware.bin"


async def _give(station: RawStation, command: Awaitable[Any], answer: Any) -> tuple[Any, Any]:
    """A command, and what the station got, which answers it so."""
    task = asyncio.ensure_future(command)
    call = await station.answer(answer)
    return await task, call


async def _update(mesh: MeshRig, number: int) -> firmware_service_pb2.FirmwareUpdate:
    request = firmware_service_pb2.GetFirmwareUpdateRequest(station_id="CP1", firmware_update_id=number)
    stub = FirmwareServiceStub(mesh.station_channel)
    return (await stub.GetFirmwareUpdate(request, metadata=mesh.metadata, timeout=TIMEOUT_S)).firmware_update


async def test_an_update_of_a_plain_station(mesh_on_both: MeshRig) -> None:
    """UpdateFirmware, statuses without a number, a reboot that tells the new version."""
    mesh = mesh_on_both
    boot = {"chargePointModel": "Raw", "chargePointVendor": "Tests"}
    request = firmware_pb2.UpdateFirmwareRequest(
        station_id="CP1", firmware=firmware_pb2.Firmware(location=PLACE, retrieve_time=NOON), retries=2
    )
    async with RawStation(mesh.station_url("CP1")) as station:
        await station.call("BootNotification", {**boot, "firmwareVersion": "1.0"})
        command = mesh.commands.UpdateFirmware(request, metadata=mesh.metadata, timeout=TIMEOUT_S)
        answer, call = await _give(station, command, {})
        assert call == [
            "UpdateFirmware",
            {"location": PLACE, "retrieveDate": "2026-01-01T12:00:00.000Z", "retries": 2},
        ]
        assert answer.status == firmware_pb2.UPDATE_FIRMWARE_STATUS_ACCEPTED
        for word in ("Downloading", "Downloaded", "Installing"):
            assert await station.call("FirmwareStatusNotification", {"status": word}) == {}
    update = await _update(mesh, answer.firmware_update_id)
    assert update.state == FirmwareUpdateState.Value("FIRMWARE_UPDATE_STATE_INSTALLING")
    async with RawStation(mesh.station_url("CP1")) as station:
        await station.call("BootNotification", {**boot, "firmwareVersion": "2.0"})
        assert await station.call("FirmwareStatusNotification", {"status": "Installed"}) == {}
        assert await station.call("FirmwareStatusNotification", {"status": "Idle"}) == {}
    update = await _update(mesh, answer.firmware_update_id)
    assert update.state == FirmwareUpdateState.Value("FIRMWARE_UPDATE_STATE_INSTALLED")
    assert (update.previous_version, update.installed_version) == ("1.0", "2.0")
    words = [report.reported_status for report in update.status_reports]
    assert words == ["Downloading", "Downloaded", "Installing", "Installed", "Idle"]


async def test_a_signed_update(mesh: MeshRig) -> None:
    """SignedUpdateFirmware with its number, which the station's statuses name."""
    firmware = firmware_pb2.Firmware(location=PLACE, retrieve_time=NOON, signing_certificate="c", signature="s")
    request = firmware_pb2.UpdateFirmwareRequest(station_id="CP1", firmware=firmware, firmware_update_id=77)
    async with RawStation(mesh.station_url("CP1")) as station:
        await station.boot()
        command = mesh.commands.UpdateFirmware(request, metadata=mesh.metadata, timeout=TIMEOUT_S)
        answer, [action, payload] = await _give(station, command, {"status": "Accepted"})
        assert (action, payload["requestId"]) == ("SignedUpdateFirmware", 77)
        assert answer.firmware_update_id == 77
        for word in ("SignatureVerified", "InvalidSignature"):
            await station.call("SignedFirmwareStatusNotification", {"status": word, "requestId": 77})
    update = await _update(mesh, 77)
    assert update.state == FirmwareUpdateState.Value("FIRMWARE_UPDATE_STATE_FAILED")
    assert update.status == firmware_pb2.FIRMWARE_STATUS_INVALID_SIGNATURE
    assert update.signed
    assert not update.firmware.signature


DIAGNOSTICS = {"action": "GetDiagnostics", "answer": {"fileName": "a.log"}, "reports": "DiagnosticsStatusNotification"}
SECURITY = {
    "action": "GetLog",
    "answer": {"status": "Accepted", "filename": "a.log"},
    "reports": "LogStatusNotification",
    "named": {"requestId": 5},
}


@pytest.mark.parametrize(
    ("log_type", "words"), [(log_pb2.LOG_TYPE_DIAGNOSTICS, DIAGNOSTICS), (log_pb2.LOG_TYPE_SECURITY, SECURITY)]
)
async def test_a_log(mesh: MeshRig, log_type: log_pb2.LogType.ValueType, words: dict[str, Any]) -> None:
    """Each kind in 1.6's own way, and both in one list."""
    request = log_pb2.GetLogRequest(
        station_id="CP1", log_type=log_type, log=log_pb2.LogParameters(remote_location="ftp://h/"), log_upload_id=5
    )
    async with RawStation(mesh.station_url("CP1")) as station:
        await station.boot()
        command = mesh.commands.GetLog(request, metadata=mesh.metadata, timeout=TIMEOUT_S)
        told, call = await _give(station, command, words["answer"])
        assert call[0] == words["action"]
        assert (told.status, told.file_name) == (log_pb2.LOG_STATUS_ACCEPTED, "a.log")
        for word in ("Uploading", "Uploaded"):
            assert await station.call(words["reports"], {"status": word, **words.get("named", {})}) == {}
    listing = log_service_pb2.ListLogUploadsRequest(station_id="CP1")
    stub = LogServiceStub(mesh.station_channel)
    [upload] = (await stub.ListLogUploads(listing, metadata=mesh.metadata, timeout=TIMEOUT_S)).log_uploads
    assert (upload.log_upload_id, upload.log_type, upload.file_name) == (5, log_type, "a.log")
    assert upload.state == LogUploadState.Value("LOG_UPLOAD_STATE_UPLOADED")

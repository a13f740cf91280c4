"""The cases of block N about logs. Their names are known; the steps are our reading of N01."""

from typing import Any

import pytest
from csms.station.v1 import log_pb2 as pb
from csms.station.v1 import log_service_pb2 as service_pb
from csms.station.v1.log_service_pb2_grpc import LogServiceStub

from mesh.runtime.times import now_us, to_timestamp
from tests.certification.v201.station import ChargingStation
from tests.gateway.rig import TIMEOUT_S

pytestmark = pytest.mark.asyncio(loop_scope="module")

UPLOADS = "https://files.example.org/logs"
WORDS = {pb.LOG_TYPE_DIAGNOSTICS: "DiagnosticsLog", pb.LOG_TYPE_SECURITY: "SecurityLog"}


async def _request(
    station: ChargingStation, log_type: pb.LogType.ValueType = pb.LOG_TYPE_DIAGNOSTICS, answer: str = "Accepted"
) -> Any:
    """GetLog of the last hour; returns the operator's answer."""
    log = {"remote_location": UPLOADS, "oldest_time": to_timestamp(now_us() - 3_600_000_000)}
    named = {} if answer == "Rejected" else {"filename": "log.zip"}
    action, payload, told = await station.told("GetLog", {"status": answer, **named}, log_type=log_type, log=log)
    assert (action, payload["logType"], payload["requestId"]) == ("GetLog", WORDS[log_type], told.log_upload_id)
    assert payload["log"]["remoteLocation"] == UPLOADS
    return told


async def _read(station: ChargingStation, number: int) -> service_pb.LogUpload:
    service: Any = LogServiceStub(station.mesh.station_channel)
    request = service_pb.GetLogUploadRequest(station_id=station.station_id, log_upload_id=number)
    response = await service.GetLogUpload(request, metadata=station.mesh.metadata, timeout=TIMEOUT_S)
    found: service_pb.LogUpload = response.log_upload
    return found


async def _report(station: ChargingStation, number: int, *statuses: str) -> str:
    """LogStatusNotifications of an upload; returns its state after them."""
    for status in statuses:
        assert await station.call("LogStatusNotification", status=status, requestId=number) == {}
    return service_pb.LogUploadState.Name((await _read(station, number)).state).removeprefix("LOG_UPLOAD_STATE_")


async def _is_uploaded(station: ChargingStation, log_type: pb.LogType.ValueType) -> None:
    told = await _request(station, log_type)
    assert (told.status, told.file_name) == (pb.LOG_STATUS_ACCEPTED, "log.zip")
    assert await _report(station, told.log_upload_id, "Uploading", "Uploaded") == "UPLOADED"
    upload = await _read(station, told.log_upload_id)
    assert (upload.file_name, upload.log_type) == ("log.zip", log_type)


async def test_tc_n_25_csms(station: ChargingStation) -> None:
    """The diagnostics log is uploaded."""
    await _is_uploaded(station, pb.LOG_TYPE_DIAGNOSTICS)


async def test_tc_n_34_csms(station: ChargingStation) -> None:
    """The station rejects the request."""
    told = await _request(station, answer="Rejected")
    assert told.status == pb.LOG_STATUS_REJECTED
    assert await _report(station, told.log_upload_id) == "REJECTED"


async def test_tc_n_35_csms(station: ChargingStation) -> None:
    """The security log is uploaded."""
    await _is_uploaded(station, pb.LOG_TYPE_SECURITY)


async def test_tc_n_36_csms(station: ChargingStation) -> None:
    """A second request takes the place of the first, whose upload the station cancels."""
    first = await _request(station)
    assert await _report(station, first.log_upload_id, "Uploading") == "UPLOADING"
    second = await _request(station, answer="AcceptedCanceled")
    assert second.status == pb.LOG_STATUS_ACCEPTED_CANCELED
    assert await _report(station, first.log_upload_id, "AcceptedCanceled") == "SUPERSEDED"
    assert await _report(station, second.log_upload_id, "Uploading", "Uploaded") == "UPLOADED"

"""Uploads of logs: begun by commands or by the station itself, following what it reports, on both databases."""

from typing import Any

import pytest
from csms.gateway.v1 import gateway_service_pb2 as gateway_pb2
from csms.station.v1 import log_pb2, log_service_pb2
from csms.station.v1 import station_ingest_service_pb2 as ingest_pb2
from csms.station.v1.log_pb2 import UploadLogStatus
from csms.station.v1.log_service_pb2 import LogUpload, LogUploadState
from csms.station.v1.log_service_pb2_grpc import LogServiceStub

from mesh.runtime.times import to_timestamp
from tests.conftest import FakeClock
from tests.station_svc import tables as models
from tests.station_svc.conftest import StationSystem, access_token, fails_with

ACCEPTED = log_pb2.LOG_STATUS_ACCEPTED
REJECTED = log_pb2.LOG_STATUS_REJECTED
CANCELED = log_pb2.LOG_STATUS_ACCEPTED_CANCELED
PLACE = "https://example.org/logs?token=secret"


@pytest.fixture
def logs(system: StationSystem, clock: FakeClock) -> "Logs":
    """The station whose logs are uploaded."""
    return Logs(system, clock)


class Logs:
    """Uploads of CP1. Each step takes a second."""

    def __init__(self, system: StationSystem, clock: FakeClock) -> None:
        self.system = system
        self.clock = clock
        self.service = LogServiceStub(system.operators)
        self.epoch = 0

    async def connect(self) -> None:
        """A new connection of the station."""
        self.epoch = await self.system.open("CP1")

    async def command(
        self, number: int = 0, status: int = 0, file_name: str = "a.log", **more: Any
    ) -> log_pb2.GetLogResponse:
        """An operator's command, and what the station answers; 1.6 GetDiagnostics has no status, which is 0."""

        async def behave(request: gateway_pb2.CallRequest) -> gateway_pb2.CallResponse:
            told = log_pb2.GetLogResponse(
                status=log_pb2.LogStatus.ValueType(status),
                file_name=file_name,
                log_upload_id=request.get_log.log_upload_id,
            )
            return gateway_pb2.CallResponse(get_log=told)

        self.clock.advance(1)
        self.system.gateway.behave = behave
        log = log_pb2.LogParameters(remote_location=PLACE, oldest_time=to_timestamp(1_000_000))
        request = log_pb2.GetLogRequest(station_id="CP1", log_upload_id=number, log=log, **more)
        response: log_pb2.GetLogResponse = await self.system.commands.GetLog(request)
        return response

    async def report(self, *words: str, number: int | None = None) -> None:
        """The station reports, one status after the other."""
        for word in words:
            self.clock.advance(1)
            report = log_pb2.LogStatusReport(
                status=UploadLogStatus.Value(f"UPLOAD_LOG_STATUS_{word}"), reported_status=word, log_upload_id=number
            )
            origin = self.system.origin("CP1", self.epoch)
            [result] = await self.system.notify(ingest_pb2.ReportItem(origin=origin, log_status=report))
            assert not result.HasField("error"), result

    async def get(self, number: int) -> LogUpload:
        """An upload, as operators read it."""
        request = log_service_pb2.GetLogUploadRequest(station_id="CP1", log_upload_id=number)
        return (await self.service.GetLogUpload(request)).log_upload

    async def uploads(self, station_id: str = "CP1", **more: Any) -> list[LogUpload]:
        """Uploads, newest first."""
        request = log_service_pb2.ListLogUploadsRequest(station_id=station_id, **more)
        return list((await self.service.ListLogUploads(request)).log_uploads)

    async def states(self) -> dict[int, str]:
        """Every upload by its number: its state."""
        return {one.log_upload_id: _name(one.state) for one in await self.uploads()}


def _name(state: int) -> str:
    return LogUploadState.Name(LogUploadState.ValueType(state)).removeprefix("LOG_UPLOAD_STATE_")


async def test_diagnostics_from_the_command_to_the_end(logs: Logs) -> None:
    """1.6: no status in the answer, no number in the reports; each change is published once."""
    await logs.connect()
    answer = await logs.command(request_id="r1")
    assert (answer.status, answer.file_name) == (ACCEPTED, "a.log")
    number = answer.log_upload_id
    await logs.report("UPLOADING", "UPLOADING", "UPLOADED", "UPLOADED")
    upload = await logs.get(number)
    assert (_name(upload.state), upload.reported_status, upload.file_name) == ("UPLOADED", "UPLOADED", "a.log")
    assert (upload.log_type, upload.request_id, upload.username) == (log_pb2.LOG_TYPE_DIAGNOSTICS, "r1", "ann")
    assert upload.log.remote_location == "https://example.org/logs?token=***"
    assert upload.log.oldest_time == to_timestamp(1_000_000)
    assert not upload.log.HasField("latest_time")
    assert [one.reported_status for one in upload.status_reports] == ["UPLOADING", "UPLOADING", "UPLOADED", "UPLOADED"]
    told = await logs.system.events("station.log_upload_changed")
    prefix = "LOG_UPLOAD_STATE_"
    assert [(data["logUploadId"], data["state"]) for _kind, _station, data in told] == [
        (number, f"{prefix}ACCEPTED"), (number, f"{prefix}UPLOADING"), (number, f"{prefix}UPLOADED"),
    ]  # fmt: skip


@pytest.mark.parametrize("status", sorted(set(UploadLogStatus.values()) - {0, log_pb2.UPLOAD_LOG_STATUS_IDLE}))
async def test_every_status_has_its_state(logs: Logs, status: UploadLogStatus.ValueType) -> None:
    """By number, as 1.6's security extension and 2.x have it."""
    word = UploadLogStatus.Name(status).removeprefix("UPLOAD_LOG_STATUS_")
    await logs.connect()
    await logs.command(7, ACCEPTED, log_type=log_pb2.LOG_TYPE_SECURITY)
    await logs.report(word, number=7)
    expected = {"UPLOADING": "UPLOADING", "UPLOADED": "UPLOADED", "ACCEPTED_CANCELED": "SUPERSEDED"}
    assert await logs.states() == {7: expected.get(word, "FAILED")}


async def test_a_station_that_has_nothing_to_upload(logs: Logs) -> None:
    """1.6 GetDiagnostics without a file name is a refusal; a station that uploads all the same is believed."""
    await logs.connect()
    answer = await logs.command(1, file_name="")
    assert (answer.status, answer.status_info.reason_code) == (REJECTED, "NoFileName")
    assert await logs.states() == {1: "REJECTED"}
    await logs.report("UPLOADING")
    assert await logs.states() == {1: "UPLOADING"}
    await logs.report("UPLOADED")
    await logs.command(2, REJECTED, file_name="")
    await logs.report("UPLOADING")
    assert await logs.states() == {-1: "UPLOADING", 2: "REJECTED", 1: "UPLOADED"}


async def test_a_newer_upload_takes_the_place_of_an_older_one(logs: Logs) -> None:
    await logs.connect()
    await logs.command(1)
    assert (await logs.command(2)).status == CANCELED
    assert (await logs.command(3, CANCELED)).status == CANCELED
    await logs.report("UPLOADING", number=3)
    assert await logs.states() == {3: "UPLOADING", 2: "SUPERSEDED", 1: "SUPERSEDED"}
    await logs.report("ACCEPTED_CANCELED", number=2)
    assert await logs.states() == {3: "UPLOADING", 2: "SUPERSEDED", 1: "SUPERSEDED"}


async def test_idle_changes_nothing(logs: Logs) -> None:
    await logs.connect()
    await logs.report("IDLE")
    assert await logs.states() == {}
    await logs.command(1)
    await logs.report("IDLE")
    assert await logs.states() == {1: "ACCEPTED"}


async def test_uploads_and_updates_are_apart(logs: Logs) -> None:
    """The same number may be there for both, and a report of one is not about the other."""
    await logs.connect()
    await logs.command(1)
    await logs.report("UPLOADING")
    assert await logs.system.count(models.task) == 1
    with fails_with("LOG_UPLOAD_EXISTS"):
        await logs.command(1)
    assert [one.log_upload_id for one in await logs.uploads("-", filter="log_type = DIAGNOSTICS")] == [1]
    assert not await logs.uploads("-", filter="log_type = SECURITY")
    with fails_with("LOG_UPLOAD_NOT_FOUND") as caught:
        await logs.get(2)
    assert caught[0].message == "station 'CP1' has no log upload 2"
    with fails_with("INVALID_FIELD"):
        await logs.command(-1)


async def test_asking_for_a_log_is_for_operators(logs: Logs) -> None:
    """Though it is called Get: it makes a station upload to wherever the caller says."""
    await logs.connect()
    viewer = (("authorization", f"Bearer {access_token(role='VIEWER')}"),)
    request = log_pb2.GetLogRequest(station_id="CP1", log=log_pb2.LogParameters(remote_location=PLACE))
    with fails_with("ROLE_TOO_LOW"):
        await logs.system.commands.GetLog(request, metadata=viewer)
    listed = log_service_pb2.ListLogUploadsRequest(station_id="CP1")
    assert not (await logs.service.ListLogUploads(listed, metadata=viewer)).log_uploads

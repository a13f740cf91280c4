"""Firmware updates: begun by commands or by the station itself, following what it reports, on both databases."""

import asyncio
import random
from collections.abc import Callable
from typing import Any

import grpc
import pytest
from csms.gateway.v1 import gateway_service_pb2 as gateway_pb2
from csms.station.v1 import firmware_pb2, firmware_service_pb2, station_service_pb2
from csms.station.v1 import station_ingest_service_pb2 as ingest_pb2
from csms.station.v1.firmware_pb2 import FirmwareStatus
from csms.station.v1.firmware_service_pb2 import FirmwareUpdate, FirmwareUpdateState
from csms.station.v1.firmware_service_pb2_grpc import FirmwareServiceStub

from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError
from mesh.runtime.times import to_timestamp
from station_svc.commands.gateways import call_timeout, station_offline
from tests.conftest import FakeClock
from tests.station_svc import tables as models
from tests.station_svc.conftest import StationSystem, access_token, fails_with, of_tenant, reason_of
from tests.waiting import until

ACCEPTED = firmware_pb2.UPDATE_FIRMWARE_STATUS_ACCEPTED
CANCELED = firmware_pb2.UPDATE_FIRMWARE_STATUS_ACCEPTED_CANCELED
REJECTED = firmware_pb2.UPDATE_FIRMWARE_STATUS_REJECTED
PLACE = "ftp://user:secret@example.org/firmware.bin"


@pytest.fixture
def firmware(system: StationSystem, clock: FakeClock) -> "Firmware":
    """The station whose firmware is updated."""
    return Firmware(system, clock)


class Firmware:
    """Updates of CP1. Each step takes a second."""

    def __init__(self, system: StationSystem, clock: FakeClock) -> None:
        self.system = system
        self.clock = clock
        self.service = FirmwareServiceStub(system.operators)
        self.epoch = 0

    async def connect(self) -> None:
        """A new connection of the station."""
        self.epoch = await self.system.open("CP1")

    async def command(
        self, number: int = 0, answer: int | MeshError = 0, **more: Any
    ) -> firmware_pb2.UpdateFirmwareResponse:
        """An operator's command, and what the station answers: 0 is 1.6's empty answer."""

        async def behave(request: gateway_pb2.CallRequest) -> gateway_pb2.CallResponse:
            if isinstance(answer, MeshError):
                raise answer
            told = firmware_pb2.UpdateFirmwareResponse(
                status=firmware_pb2.UpdateFirmwareStatus.ValueType(answer),
                firmware_update_id=request.update_firmware.firmware_update_id,
            )
            return gateway_pb2.CallResponse(update_firmware=told)

        self.clock.advance(1)
        self.system.gateway.behave = behave
        given: dict[str, Any] = {"firmware": firmware_pb2.Firmware(location=PLACE), **more}
        request = firmware_pb2.UpdateFirmwareRequest(station_id="CP1", firmware_update_id=number, **given)
        response: firmware_pb2.UpdateFirmwareResponse = await self.system.commands.UpdateFirmware(request)
        return response

    def item(self, word: str, number: int | None = None, ordinal: int | None = None) -> ingest_pb2.ReportItem:
        """A status, as the gateway has it, of the word of the contract."""
        self.clock.advance(1)
        report = firmware_pb2.FirmwareStatusReport(
            status=FirmwareStatus.Value(f"FIRMWARE_STATUS_{word}"), reported_status=word, firmware_update_id=number
        )
        return ingest_pb2.ReportItem(origin=self.system.origin("CP1", self.epoch, ordinal), firmware_status=report)

    async def report(self, *words: str, number: int | None = None) -> None:
        """The station reports, one status after the other."""
        for word in words:
            [result] = await self.system.notify(self.item(word, number))
            assert not result.HasField("error"), result

    async def boot(self, version: str, ordinal: int | None = None) -> None:
        """The station boots."""
        self.clock.advance(1)
        await self.system.boot(self.system.boot_item("CP1", self.epoch, ordinal, firmware_version=version))

    async def get(self, number: int) -> FirmwareUpdate:
        """An update, as operators read it."""
        request = firmware_service_pb2.GetFirmwareUpdateRequest(station_id="CP1", firmware_update_id=number)
        return (await self.service.GetFirmwareUpdate(request)).firmware_update

    async def updates(self, station_id: str = "CP1", **more: Any) -> list[FirmwareUpdate]:
        """Updates, newest first."""
        request = firmware_service_pb2.ListFirmwareUpdatesRequest(station_id=station_id, **more)
        return list((await self.service.ListFirmwareUpdates(request)).firmware_updates)

    async def states(self) -> dict[int, str]:
        """Every update by its number: its state."""
        return {one.firmware_update_id: _name(one.state) for one in await self.updates()}

    async def told(self) -> list[str]:
        """The events of updates: number and state."""
        events = await self.system.events("station.firmware_update_changed")
        prefix = "FIRMWARE_UPDATE_STATE_"
        return [f"{data['firmwareUpdateId']} {data['state'].removeprefix(prefix)}" for _kind, _station, data in events]


def _name(state: int) -> str:
    return FirmwareUpdateState.Name(FirmwareUpdateState.ValueType(state)).removeprefix("FIRMWARE_UPDATE_STATE_")


async def test_an_update_from_the_command_to_its_end(firmware: Firmware) -> None:
    """1.6, unsigned: no status in the answer, no number in the reports; each change is published once."""
    await firmware.connect()
    answer = await firmware.command(request_id="r1", retries=3, retry_interval_s=60)
    assert answer.status == ACCEPTED
    number = answer.firmware_update_id
    assert number > 0
    await firmware.report("DOWNLOADING", "DOWNLOADED", "INSTALLING", "INSTALLED")
    update = await firmware.get(number)
    assert _name(update.state) == "INSTALLED"
    assert (update.status, update.reported_status) == (firmware_pb2.FIRMWARE_STATUS_INSTALLED, "INSTALLED")
    assert (update.request_id, update.username, update.answer) == ("r1", "ann", ACCEPTED)
    assert (update.retries, update.retry_interval_s, update.signed, update.station_made) == (3, 60, False, False)
    assert update.firmware.location == "ftp://user:***@example.org/firmware.bin"
    assert update.firmware.retrieve_time == update.create_time
    assert update.end_time == update.update_time == to_timestamp(firmware.clock())
    words = [report.reported_status for report in update.status_reports]
    assert words == ["DOWNLOADING", "DOWNLOADED", "INSTALLING", "INSTALLED"]
    assert update.status_reports[-1].receive_time == update.end_time
    states = ["ACCEPTED", "DOWNLOADING", "DOWNLOADED", "INSTALLING", "INSTALLED"]
    assert await firmware.told() == [f"{number} {state}" for state in states]


@pytest.mark.parametrize("status", sorted(set(FirmwareStatus.values()) - {0, firmware_pb2.FIRMWARE_STATUS_IDLE}))
async def test_every_status_has_its_state(firmware: Firmware, status: FirmwareStatus.ValueType) -> None:
    """By number, as signed updates and 2.x have it."""
    word = FirmwareStatus.Name(status).removeprefix("FIRMWARE_STATUS_")
    await firmware.connect()
    await firmware.command(7, ACCEPTED)
    await firmware.report(word, number=7)
    expected = {
        "DOWNLOAD_SCHEDULED": "SCHEDULED",
        "DOWNLOADING": "DOWNLOADING",
        "DOWNLOAD_PAUSED": "DOWNLOADING",
        "DOWNLOADED": "DOWNLOADED",
        "SIGNATURE_VERIFIED": "DOWNLOADED",
        "INSTALL_SCHEDULED": "DOWNLOADED",
        "INSTALLING": "INSTALLING",
        "INSTALL_REBOOTING": "INSTALLING",
        "INSTALLED": "INSTALLED",
    }
    update = await firmware.get(7)
    assert _name(update.state) == expected.get(word, "FAILED")
    assert update.HasField("end_time") == (_name(update.state) in {"INSTALLED", "FAILED"})


@pytest.mark.parametrize("answer", [REJECTED, firmware_pb2.UPDATE_FIRMWARE_STATUS_INVALID_CERTIFICATE])
async def test_a_station_that_refuses(firmware: Firmware, answer: int) -> None:
    """The update ends at once, and leaves the one before it as it was."""
    await firmware.connect()
    await firmware.command(1, ACCEPTED)
    assert (await firmware.command(2, answer)).status == answer
    assert await firmware.states() == {2: "REJECTED", 1: "ACCEPTED"}
    assert (await firmware.get(2)).answer == answer
    await firmware.report("DOWNLOADING", number=2)
    assert await firmware.states() == {2: "REJECTED", 1: "ACCEPTED"}
    await firmware.report("DOWNLOADING")
    assert await firmware.states() == {2: "REJECTED", 1: "DOWNLOADING"}


async def test_a_newer_update_takes_the_place_of_an_older_one(firmware: Firmware) -> None:
    """1.6 does not say AcceptedCanceled; the operator gets it all the same, and repeated with the same request_id."""
    await firmware.connect()
    await firmware.command(1)
    await firmware.report("DOWNLOADING")
    assert (await firmware.command(2, request_id="r2")).status == CANCELED
    assert (await firmware.command(2, request_id="r2")).status == CANCELED
    assert len(firmware.system.gateway.calls) == 2
    assert await firmware.states() == {2: "ACCEPTED", 1: "SUPERSEDED"}
    await firmware.report("DOWNLOADING", "INSTALLED")
    assert await firmware.states() == {2: "INSTALLED", 1: "SUPERSEDED"}
    assert (await firmware.command(3)).status == ACCEPTED
    assert await firmware.told() == [
        "1 ACCEPTED", "1 DOWNLOADING", "2 ACCEPTED", "1 SUPERSEDED", "2 DOWNLOADING", "2 INSTALLED", "3 ACCEPTED",
    ]  # fmt: skip


async def test_repeats_and_late_reports_change_nothing(firmware: Firmware) -> None:
    """The same frame again, the same status in another frame, and frames that come after newer ones."""
    await firmware.connect()
    await firmware.command(1)
    words = ("DOWNLOADING", "DOWNLOADED", "INSTALLING")
    first, second, third = (firmware.item(word, None, ordinal) for ordinal, word in enumerate(words, 1))
    for batch in ((first, third), (second, first), (third, third), (firmware.item("INSTALLING", None, 4),)):
        await firmware.system.notify(*batch)
    assert await firmware.states() == {1: "INSTALLING"}
    assert await firmware.told() == ["1 ACCEPTED", "1 DOWNLOADING", "1 INSTALLING"]
    kept = [report.reported_status for report in (await firmware.get(1)).status_reports]
    assert kept == [*words, "INSTALLING"]
    await firmware.report("INSTALLED", "INSTALLED")
    await firmware.connect()
    await firmware.report("INSTALLED")
    assert await firmware.states() == {1: "INSTALLED"}
    assert await firmware.system.count(models.task) == 1
    assert len(await firmware.told()) == 4


async def test_idle_changes_nothing(firmware: Firmware) -> None:
    """Neither an update under way, nor does it make one; about an update it is kept."""
    await firmware.connect()
    await firmware.report("IDLE")
    assert await firmware.states() == {}
    await firmware.command(1)
    await firmware.report("DOWNLOADING", "IDLE")
    assert await firmware.states() == {1: "DOWNLOADING"}
    assert [report.reported_status for report in (await firmware.get(1)).status_reports] == ["DOWNLOADING", "IDLE"]
    await firmware.report("IDLE", number=99)
    assert await firmware.states() == {1: "DOWNLOADING"}


async def test_updates_that_the_station_makes_by_itself(firmware: Firmware) -> None:
    """One that has no number gets one below 0; one that is not known here keeps its own."""
    await firmware.connect()
    await firmware.report("DOWNLOADING", "INSTALLED")
    await firmware.report("DOWNLOADING", "DOWNLOAD_FAILED")
    await firmware.report("INSTALLING", number=42)
    assert await firmware.states() == {42: "INSTALLING", -2: "FAILED", -1: "INSTALLED"}
    for update in await firmware.updates():
        assert update.station_made
        assert not update.HasField("firmware")
        assert not update.username
    assert [report.reported_status for report in (await firmware.get(-1)).status_reports] == [
        "DOWNLOADING",
        "INSTALLED",
    ]
    with fails_with("FIRMWARE_UPDATE_EXISTS"):
        await firmware.command(42)
    assert not firmware.system.gateway.calls


async def test_a_late_report_of_an_update_that_was_superseded(firmware: Firmware) -> None:
    """It belongs to the update that was the latest when it was read, and makes none."""
    await firmware.connect()
    await firmware.command(1)
    late = firmware.item("DOWNLOADING", None, 1)
    await firmware.system.notify(firmware.item("DOWNLOADED", None, 2))
    await firmware.command(2)
    await firmware.system.notify(late)
    await firmware.system.notify(firmware.item("DOWNLOADING", None, 3))
    await firmware.system.notify(late)
    assert await firmware.states() == {2: "DOWNLOADING", 1: "SUPERSEDED"}


async def test_a_download_that_is_tried_again(firmware: Firmware) -> None:
    """A failed update goes on if the station does so within a day; later it is an update of its own."""
    await firmware.connect()
    await firmware.command(1)
    await firmware.report("DOWNLOADING", "DOWNLOAD_FAILED")
    assert (await firmware.get(1)).HasField("end_time")
    await firmware.report("DOWNLOADING")
    update = await firmware.get(1)
    assert (_name(update.state), update.HasField("end_time")) == ("DOWNLOADING", False)
    await firmware.report("DOWNLOAD_FAILED")
    firmware.clock.advance(24 * 3600)
    await firmware.report("DOWNLOADING")
    assert await firmware.states() == {-1: "DOWNLOADING", 1: "FAILED"}


@pytest.mark.parametrize(
    ("word", "version", "state"),
    [
        ("INSTALLING", "2.0", "INSTALLED"),
        ("INSTALLING", "1.0", "INSTALLING"),
        ("INSTALLING", "", "INSTALLING"),
        ("INSTALL_REBOOTING", "2.0", "INSTALLED"),
        ("DOWNLOADED", "2.0", "INSTALLED"),
    ],
)
async def test_a_boot_with_another_version(firmware: Firmware, word: str, version: str, state: str) -> None:
    """Completes an update that the station never called installed."""
    await firmware.connect()
    await firmware.boot("1.0")
    await firmware.command(1)
    await firmware.report(word)
    await firmware.connect()
    await firmware.boot(version)
    update = await firmware.get(1)
    assert (_name(update.state), update.previous_version) == (state, "1.0")
    assert update.installed_version == (version if state == "INSTALLED" else "")
    await firmware.report("INSTALLED")
    assert await firmware.states() == {1: "INSTALLED"}
    if state == "INSTALLED":
        assert (await firmware.get(1)).end_time == update.end_time


async def test_boots_that_complete_nothing(firmware: Firmware) -> None:
    """Where no update is under way; and a boot of before the update, which comes late."""
    await firmware.connect()
    await firmware.command(9)
    await firmware.boot("1.0", 1)
    assert await firmware.states() == {9: "ACCEPTED"}
    await firmware.boot("2.0", 2)
    early = firmware.system.boot_item("CP1", firmware.epoch, 3, firmware_version="3.0")
    await firmware.command(1)
    await firmware.system.boot(early)
    assert await firmware.states() == {1: "ACCEPTED", 9: "SUPERSEDED"}
    await firmware.report("DOWNLOADING", "DOWNLOAD_FAILED")
    await firmware.boot("4.0", 9)
    assert await firmware.states() == {1: "FAILED", 9: "SUPERSEDED"}


@pytest.mark.parametrize(
    ("error", "states"),
    [
        (station_offline("CP1", "gone"), {}),
        (call_timeout("CP1"), {1: "UNKNOWN"}),
    ],
)
async def test_commands_that_fail(firmware: Firmware, error: MeshError, states: dict[int, str]) -> None:
    """Where nothing was sent there is no update; where its outcome is unknown, the reports decide."""
    await firmware.connect()
    with fails_with(error.reason):
        await firmware.command(1, error)
    assert await firmware.states() == states
    if states:
        assert (await firmware.get(1)).failure_reason == "CALL_TIMEOUT"
        await firmware.report("DOWNLOADING")
        assert await firmware.states() == {1: "DOWNLOADING"}
    else:
        assert await firmware.told() == []


async def test_a_call_error_is_a_refusal(firmware: Firmware) -> None:
    await firmware.connect()
    with fails_with("CALL_ERROR"):
        await firmware.command(1, MeshError(grpc.StatusCode.ABORTED, Reason.CALL_ERROR, "NotSupported"))
    update = await firmware.get(1)
    assert (_name(update.state), update.failure_reason) == ("REJECTED", "CALL_ERROR")


async def test_a_command_whose_sender_died(firmware: Firmware) -> None:
    """Its update is unknown once nobody can record its outcome any more, in the list's filter too."""
    await firmware.connect()
    held: list[Any] = []
    finish = firmware.system.database.write

    async def write(work: Callable[..., Any]) -> Any:
        if firmware.system.gateway.calls:
            held.append(work)
            return None
        return await finish(work)

    firmware.system.database.write = write  # type: ignore[method-assign]
    await firmware.command(1)
    await until(lambda: bool(held))
    firmware.system.database.write = finish  # type: ignore[method-assign]
    assert await firmware.states() == {1: "REQUESTED"}
    assert not await firmware.updates(filter="state = UNKNOWN")
    firmware.clock.advance(600)
    assert await firmware.states() == {1: "UNKNOWN"}
    assert len(await firmware.updates(filter="state = UNKNOWN")) == 1
    await firmware.report("INSTALLED")
    assert await firmware.states() == {1: "INSTALLED"}


async def test_lists(firmware: Firmware) -> None:
    await firmware.connect()
    for number in (1, 2, 3):
        await firmware.command(number, request_id=f"r{number}")
    other = await firmware.system.open("CP2")
    report = firmware_pb2.FirmwareStatusReport(status=firmware_pb2.FIRMWARE_STATUS_DOWNLOADING)
    firmware.clock.advance(1)
    await firmware.system.notify(
        ingest_pb2.ReportItem(origin=firmware.system.origin("CP2", other), firmware_status=report)
    )
    assert [one.firmware_update_id for one in await firmware.updates()] == [3, 2, 1]
    assert [one.station_id for one in await firmware.updates("-")] == ["CP2", "CP1", "CP1", "CP1"]
    request = firmware_service_pb2.ListFirmwareUpdatesRequest(station_id="-", page_size=3)
    page = await firmware.service.ListFirmwareUpdates(request)
    request.page_token = page.next_page_token
    rest = await firmware.service.ListFirmwareUpdates(request)
    assert [one.firmware_update_id for one in rest.firmware_updates] == [1]
    assert not rest.next_page_token
    assert [one.firmware_update_id for one in await firmware.updates(filter="state = SUPERSEDED")] == [2, 1]
    assert [one.firmware_update_id for one in await firmware.updates(filter='request_id = "r2"')] == [2]
    assert [one.station_id for one in await firmware.updates("-", filter="station_made = true")] == ["CP2"]
    for text in ("state = DONE", "log_type = SECURITY", "create_time > soon"):
        with fails_with("INVALID_FILTER"):
            await firmware.updates(filter=text)


async def test_what_is_not_there(firmware: Firmware) -> None:
    """A station, an update, either of another tenant."""
    await firmware.connect()
    await firmware.command(1)
    with fails_with("FIRMWARE_UPDATE_NOT_FOUND") as caught:
        await firmware.get(2)
    assert caught[0].message == "station 'CP1' has no firmware update 2"
    with fails_with("STATION_NOT_FOUND"):
        await firmware.updates("NOBODY")
    request = firmware_service_pb2.GetFirmwareUpdateRequest(station_id="CP1", firmware_update_id=1)
    with fails_with("STATION_NOT_FOUND"):
        await firmware.service.GetFirmwareUpdate(request, metadata=of_tenant("other"))
    everywhere = firmware_service_pb2.ListFirmwareUpdatesRequest(station_id="-")
    listed = await firmware.service.ListFirmwareUpdates(everywhere, metadata=of_tenant("other"))
    assert not listed.firmware_updates
    with fails_with("INVALID_FIELD"):
        await firmware.command(-1)


async def test_viewers_may_read_and_no_more(firmware: Firmware) -> None:
    """A command is for operators."""
    await firmware.connect()
    await firmware.command(1)
    viewer = (("authorization", f"Bearer {access_token(role='VIEWER')}"),)
    request = firmware_service_pb2.ListFirmwareUpdatesRequest(station_id="CP1")
    assert (await firmware.service.ListFirmwareUpdates(request, metadata=viewer)).firmware_updates
    update = firmware_pb2.UpdateFirmwareRequest(station_id="CP1", firmware=firmware_pb2.Firmware(location=PLACE))
    with fails_with("ROLE_TOO_LOW"):
        await firmware.system.commands.UpdateFirmware(update, metadata=viewer)


async def test_they_go_with_their_station(firmware: Firmware) -> None:
    """A new station of the same name knows nothing of them, nor of what was reported."""
    await firmware.connect()
    await firmware.report("DOWNLOADING", "DOWNLOADED")
    await firmware.system.stations.DeleteStation(station_service_pb2.DeleteStationRequest(station_id="CP1"))
    await firmware.connect()
    assert await firmware.states() == {}
    await firmware.report("INSTALLING")
    assert [report.reported_status for report in (await firmware.get(-1)).status_reports] == ["INSTALLING"]
    await firmware.system.housekeeper.remove_histories()
    assert await firmware.system.count(models.task_report) == 1


async def test_reports_in_any_order_end_the_same(firmware: Firmware) -> None:
    """The report of the latest frame counts, in any batches, and each report is kept once."""
    await firmware.connect()
    await firmware.command(7, ACCEPTED)
    words = ["DOWNLOADING", "DOWNLOAD_FAILED", "DOWNLOADING", "DOWNLOADED", "INSTALLED", "INSTALLATION_FAILED"]
    items = [firmware.item(word, 7, number) for number, word in enumerate(words, 1)]
    shuffler = random.Random(5)  # noqa: S311 - a shuffle, no secret
    for _ in range(8):
        await firmware.system.notify(*shuffler.choices(items, k=3))
    await firmware.system.notify(*shuffler.sample(items, len(items)))
    update = await firmware.get(7)
    assert (_name(update.state), update.reported_status) == ("FAILED", "INSTALLATION_FAILED")
    assert [report.reported_status for report in update.status_reports] == words


async def test_concurrent_batches_of_the_same_stations(firmware: Firmware) -> None:
    """With commands between them: none deadlocks, each report is kept once, one update alone is left open."""
    system = firmware.system
    epochs = {f"CP{number}": await system.open(f"CP{number}") for number in range(1, 6)}
    firmware.epoch = epochs["CP1"]
    items = []
    for station_id, epoch in epochs.items():
        for ordinal in range(1, 6):
            report = firmware_pb2.FirmwareStatusReport(
                status=firmware_pb2.FIRMWARE_STATUS_DOWNLOADING, reported_status=f"W{ordinal}"
            )
            origin = system.origin(station_id, epoch, ordinal)
            items.append(ingest_pb2.ReportItem(origin=origin, firmware_status=report))
    shuffler = random.Random(3)  # noqa: S311 - a shuffle, no secret
    batches = [system.notify(*shuffler.sample(items, len(items))) for _ in range(6)]
    commands = asyncio.gather(firmware.command(1), firmware.command(2), firmware.command(3))
    answers = await asyncio.gather(*batches)
    await commands
    assert not any(result.HasField("error") for answer in answers for result in answer)
    assert await system.count(models.task_report) == len(items)
    others = [update for update in await firmware.updates("-") if update.station_id != "CP1"]
    assert [update.reported_status for update in others] == ["W5"] * 4
    ended = {"SUPERSEDED", "FAILED", "INSTALLED", "REJECTED"}
    assert len([state for state in (await firmware.states()).values() if state not in ended]) == 1


async def test_a_bad_report_fails_alone(firmware: Firmware, database_url: str) -> None:
    """PostgreSQL takes no NUL in text: that report has an error of its own, its neighbours are recorded."""
    await firmware.connect()
    await firmware.command(7, ACCEPTED)
    items = [firmware.item(word, 7) for word in ("DOWNLOADING", "DOWNLOADED", "INSTALLING")]
    items[1].firmware_status.reported_status = "D\0"
    reasons = [reason_of(result) for result in await firmware.system.notify(*items)]
    assert reasons == ["", "ITEM_FAILED" if database_url.startswith("postgresql") else "", ""]
    assert await firmware.states() == {7: "INSTALLING"}


async def test_a_number_of_an_update_whose_station_reports_before_it_answers(firmware: Firmware) -> None:
    """A report counts more than the answer that comes after it."""
    await firmware.connect()

    async def behave(_request: gateway_pb2.CallRequest) -> gateway_pb2.CallResponse:
        await firmware.report("DOWNLOADING")
        return gateway_pb2.CallResponse(update_firmware=firmware_pb2.UpdateFirmwareResponse(firmware_update_id=5))

    firmware.system.gateway.behave = behave
    request = firmware_pb2.UpdateFirmwareRequest(
        station_id="CP1", firmware_update_id=5, firmware=firmware_pb2.Firmware(location=PLACE)
    )
    assert (await firmware.system.commands.UpdateFirmware(request)).status == ACCEPTED
    update = await firmware.get(5)
    assert (_name(update.state), update.answer) == ("DOWNLOADING", ACCEPTED)

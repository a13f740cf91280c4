"""Publications of firmware by a local controller: begun and ended by commands, following its reports."""

from typing import Any

import pytest
from csms.common.v1 import status_info_pb2
from csms.gateway.v1 import gateway_service_pb2 as gateway_pb2
from csms.station.v1 import firmware_publication_pb2 as pb
from csms.station.v1 import firmware_publication_service_pb2 as service_pb
from csms.station.v1 import station_ingest_service_pb2 as ingest_pb2
from csms.station.v1.firmware_publication_service_pb2_grpc import FirmwarePublicationServiceStub

from tests.conftest import FakeClock
from tests.station_svc.conftest import StationSystem, fails_with

PLACE = "https://user:secret@example.org/firmware.bin"
CHECKSUM = "D41D8CD98F00B204E9800998ECF8427E"
ACCEPTED, REJECTED = status_info_pb2.GENERIC_STATUS_ACCEPTED, status_info_pb2.GENERIC_STATUS_REJECTED


class Controller:
    """The local controller CP1. Each step takes a second."""

    def __init__(self, system: StationSystem, clock: FakeClock) -> None:
        self.system = system
        self.clock = clock
        self.service: Any = FirmwarePublicationServiceStub(system.operators)
        self.epoch = 0

    async def publish(self, number: int = 0, answer: Any = ACCEPTED) -> int:
        """An operator's command; returns the number of the publication."""

        async def behave(request: gateway_pb2.CallRequest) -> gateway_pb2.CallResponse:
            sent = request.publish_firmware
            told = pb.PublishFirmwareResponse(status=answer, firmware_publication_id=sent.firmware_publication_id)
            return gateway_pb2.CallResponse(publish_firmware=told)

        self.clock.advance(1)
        self.system.gateway.behave = behave
        request = pb.PublishFirmwareRequest(
            station_id="CP1", location=PLACE, checksum=CHECKSUM, firmware_publication_id=number
        )
        response = await self.system.commands.PublishFirmware(request)
        assert response.status == answer
        return response.firmware_publication_id

    async def unpublish(self, answer: pb.UnpublishFirmwareStatus.ValueType, checksum: str = CHECKSUM) -> None:
        """The command that ends it."""

        async def behave(_request: gateway_pb2.CallRequest) -> gateway_pb2.CallResponse:
            return gateway_pb2.CallResponse(unpublish_firmware=pb.UnpublishFirmwareResponse(status=answer))

        self.clock.advance(1)
        self.system.gateway.behave = behave
        request = pb.UnpublishFirmwareRequest(station_id="CP1", checksum=checksum)
        assert (await self.system.commands.UnpublishFirmware(request)).status == answer

    async def report(self, number: int | None, *words: str, locations: tuple[str, ...] = ()) -> None:
        """Its reports, one after the other."""
        for word in words:
            self.clock.advance(1)
            status = pb.PublishFirmwareStatus.Value(f"PUBLISH_FIRMWARE_STATUS_{word}")
            report = pb.FirmwarePublicationReport(
                status=status, reported_status=word, firmware_publication_id=number, locations=locations
            )
            origin = self.system.origin("CP1", self.epoch)
            item = ingest_pb2.ReportItem(origin=origin, firmware_publication_status=report)
            [result] = await self.system.notify(item)
            assert not result.HasField("error"), result

    async def get(self, number: int) -> service_pb.FirmwarePublication:
        """A publication, as operators read it."""
        request = service_pb.GetFirmwarePublicationRequest(station_id="CP1", firmware_publication_id=number)
        found: service_pb.FirmwarePublication = (
            await self.service.GetFirmwarePublication(request)
        ).firmware_publication
        return found

    async def state(self, number: int) -> str:
        """Its state."""
        return _name((await self.get(number)).state)

    async def states(self, **more: Any) -> dict[int, str]:
        """Every publication by its number: its state."""
        request = service_pb.ListFirmwarePublicationsRequest(station_id="CP1", **more)
        listed = (await self.service.ListFirmwarePublications(request)).firmware_publications
        return {one.firmware_publication_id: _name(one.state) for one in listed}

    async def told(self) -> list[str]:
        """The states in the events of publications."""
        events = await self.system.events("station.firmware_publication_changed")
        return [data["state"].removeprefix("FIRMWARE_PUBLICATION_STATE_") for _kind, _station, data in events]


def _name(state: service_pb.FirmwarePublicationState.ValueType) -> str:
    return service_pb.FirmwarePublicationState.Name(state).removeprefix("FIRMWARE_PUBLICATION_STATE_")


@pytest.fixture
async def controller(system: StationSystem, clock: FakeClock) -> Controller:
    """One that is connected."""
    found = Controller(system, clock)
    found.epoch = await system.open("CP1")
    return found


async def test_a_publication_from_the_command_to_its_end(controller: Controller) -> None:
    """Its reports move it on, each change is an event, and no password is read back."""
    number = await controller.publish()
    await controller.report(number, "DOWNLOADING", "DOWNLOADED", "CHECKSUM_VERIFIED")
    await controller.report(number, "PUBLISHED", locations=("https://user:secret@10.0.0.1/f", "ftp://10.0.0.1/f"))
    found = await controller.get(number)
    assert (_name(found.state), found.answer, found.username) == ("PUBLISHED", ACCEPTED, "ann")
    assert found.location == "https://user:***@example.org/firmware.bin"
    assert list(found.published_locations) == ["https://user:***@10.0.0.1/f", "ftp://10.0.0.1/f"]
    assert found.checksum == CHECKSUM.lower()
    assert found.HasField("end_time")
    assert len(found.status_reports) == 4
    assert await controller.told() == ["ACCEPTED", "DOWNLOADING", "DOWNLOADED", "DOWNLOADED", "PUBLISHED"]


@pytest.mark.parametrize("word", ["DOWNLOAD_FAILED", "INVALID_CHECKSUM", "PUBLISH_FAILED"])
async def test_a_publication_that_fails(controller: Controller, word: str) -> None:
    number = await controller.publish()
    await controller.report(number, "DOWNLOADING", word)
    assert await controller.state(number) == "FAILED"


async def test_a_publication_that_the_station_rejects(controller: Controller) -> None:
    number = await controller.publish(answer=REJECTED)
    assert await controller.state(number) == "REJECTED"


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (pb.UNPUBLISH_FIRMWARE_STATUS_UNPUBLISHED, "UNPUBLISHED"),
        (pb.UNPUBLISH_FIRMWARE_STATUS_NO_FIRMWARE, "UNPUBLISHED"),
        (pb.UNPUBLISH_FIRMWARE_STATUS_DOWNLOAD_ONGOING, "PUBLISHED"),
    ],
)
async def test_firmware_is_published_no_longer(
    controller: Controller, answer: pb.UnpublishFirmwareStatus.ValueType, state: str
) -> None:
    """By its checksum, in capitals or not; what the station still publishes stays so."""
    number = await controller.publish()
    await controller.report(number, "DOWNLOADED", "PUBLISHED")
    await controller.unpublish(answer, CHECKSUM.lower())
    assert await controller.state(number) == state
    assert (await controller.told())[-1] == state
    assert await controller.states(filter=f"state = {state}") == {number: state}


async def test_another_checksum_leaves_a_publication_as_it_is(controller: Controller) -> None:
    number = await controller.publish()
    await controller.report(number, "PUBLISHED")
    await controller.unpublish(pb.UNPUBLISH_FIRMWARE_STATUS_UNPUBLISHED, "0" * 32)
    assert await controller.state(number) == "PUBLISHED"


async def test_several_publications_stay_published(controller: Controller) -> None:
    """A controller may publish several files; only one that is under way is superseded."""
    first = await controller.publish()
    await controller.report(first, "PUBLISHED")
    second = await controller.publish()
    await controller.report(second, "DOWNLOADING")
    third = await controller.publish()
    assert await controller.states() == {first: "PUBLISHED", second: "SUPERSEDED", third: "ACCEPTED"}


async def test_numbers_in_use_are_refused(controller: Controller) -> None:
    """Nothing is sent then, nor for a number below 0, and one that was never used is not found."""
    await controller.publish(7)
    with fails_with("FIRMWARE_PUBLICATION_EXISTS"):
        await controller.publish(7)
    with fails_with("INVALID_FIELD"):
        await controller.publish(-1)
    with fails_with("FIRMWARE_PUBLICATION_NOT_FOUND"):
        await controller.get(8)
    assert len(controller.system.gateway.calls) == 1


async def test_a_station_that_publishes_by_itself(controller: Controller) -> None:
    """Its report without a number makes a publication of its own."""
    await controller.report(None, "PUBLISHED", locations=("ftp://10.0.0.1/f",))
    [(number, state)] = (await controller.states()).items()
    assert (number, state) == (-1, "PUBLISHED")
    assert (await controller.get(number)).station_made

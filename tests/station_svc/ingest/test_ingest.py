"""Boots, statuses, vendors' own messages, signs of life and the message log, in and out of order."""

import asyncio
import itertools
import random
from typing import Any

import grpc
import pytest
import sqlalchemy as sa
from csms.station.v1 import station_ingest_service_pb2 as ingest_pb2
from csms.station.v1 import station_pb2, station_service_pb2
from csms.station.v1.station_ingest_service_pb2_grpc import StationIngestServiceStub

from mesh.runtime.times import to_timestamp
from tests.conftest import FakeClock
from tests.station_svc import tables as models
from tests.station_svc.conftest import OCCUPIED, StationSystem, reason_of

ACCEPTED = station_pb2.REGISTRATION_STATUS_ACCEPTED


async def test_a_boot_is_answered_and_remembered(system: StationSystem, clock: FakeClock) -> None:
    """The answer has the heartbeat interval; the station shows what it said of itself."""
    epoch = await system.open("CP1")
    [answer] = await system.boot(system.boot_item("CP1", epoch, serial_number="S1", firmware_version="1.0"))
    assert (answer.registration_status, answer.interval_s) == (ACCEPTED, 300)
    station = await system.station("CP1")
    assert station.identity == station_pb2.StationIdentity(
        vendor_name="ACME", model="One", serial_number="S1", firmware_version="1.0"
    )
    assert station.boot_reason == station_pb2.BOOT_REASON_POWER_UP
    assert station.last_boot_time.ToMicroseconds() == clock()
    [(_kind, station_id, data)] = await system.events("station.booted")
    assert station_id == "CP1"
    assert data["registrationStatus"] == "REGISTRATION_STATUS_ACCEPTED"
    assert (data["bootReason"], data["firmwareVersion"]) == ("BOOT_REASON_POWER_UP", "1.0")


async def test_an_older_boot_changes_nothing(system: StationSystem) -> None:
    """A batch that timed out and commits late brings back no old firmware version, and publishes nothing twice."""
    epoch = await system.open("CP1")
    old = system.boot_item("CP1", epoch, 1, firmware_version="1.0")
    new = system.boot_item("CP1", epoch, 2, firmware_version="2.0")
    for batch in ((new,), (old,), (new, old), (old, new)):
        answers = await system.boot(*batch)
        assert [answer.registration_status for answer in answers] == [ACCEPTED] * len(batch)
        assert (await system.station("CP1")).identity.firmware_version == "2.0"
    assert len(await system.events("station.booted")) == 2


async def test_a_boot_over_a_newer_connection_counts(system: StationSystem) -> None:
    """The order is that of connections first, whatever the position within each."""
    first, second = await system.open("CP1"), await system.open("CP1")
    await system.boot(system.boot_item("CP1", second, 1, firmware_version="new"))
    await system.boot(system.boot_item("CP1", first, 99, firmware_version="old"))
    assert (await system.station("CP1")).identity.firmware_version == "new"


async def test_a_rejected_station_is_told_when_to_come_back(system: StationSystem) -> None:
    """Not all at the same moment: the time is jittered."""
    items = []
    for number in range(20):
        epoch = await system.open(f"CP{number}")
        station = station_pb2.Station(
            station_id=f"CP{number}", registration_status=station_pb2.REGISTRATION_STATUS_REJECTED
        )
        await system.stations.UpdateStation(station_service_pb2.UpdateStationRequest(station=station))
        items.append(system.boot_item(f"CP{number}", epoch))
    answers = await system.boot(*items)
    assert {answer.registration_status for answer in answers} == {station_pb2.REGISTRATION_STATUS_REJECTED}
    intervals = {answer.interval_s for answer in answers}
    assert min(intervals) >= 45
    assert max(intervals) <= 75
    assert len(intervals) > 3


async def test_frames_of_a_removed_station_are_refused(system: StationSystem) -> None:
    """Each with an error of its own; those of its neighbours are recorded."""
    gone, here = await system.open("CP1"), await system.open("CP2")
    await system.stations.DeleteStation(station_service_pb2.DeleteStationRequest(station_id="CP1"))
    boots = await system.boot(system.boot_item("CP1", gone), system.boot_item("CP2", here))
    assert [reason_of(one) for one in boots] == ["STATION_UNKNOWN", ""]
    statuses = await system.report(system.status_item("CP1", gone), system.status_item("CP2", here))
    assert [reason_of(one) for one in statuses] == ["STATION_UNKNOWN", ""]
    transfers = await _transfer(system, ("CP1", gone, "com.acme", ""), ("CP2", here, "com.acme", ""))
    assert [reason_of(one) for one in transfers] == ["STATION_UNKNOWN", ""]
    await _log(system, _message("CP1", gone, 1), _message("CP2", here, 1))
    await _see(system, "CP1", 5)
    for table in (models.status_report, models.data_transfer, models.message):
        assert await system.count(table) == 1
    assert await system.count(models.sighting) == 0


async def test_a_status_is_current_and_in_the_history(system: StationSystem, clock: FakeClock) -> None:
    """With the station's own words and its time, and ours where it gave none."""
    epoch = await system.open("CP1")
    told = to_timestamp(clock() - 60_000_000)
    await system.report(
        system.status_item("CP1", epoch, evse_id=0, word="Available"),
        system.status_item(
            "CP1", epoch, status=OCCUPIED, word="Preparing", error_code="HighTemperature", info="hot",
            vendor_id="v", vendor_error_code="E7", status_time=told,
        ),
    )  # fmt: skip
    station = await system.station("CP1")
    whole, evse = station.evses
    assert (whole.evse_id, evse.evse_id) == (0, 1)
    assert whole.connectors[0].status_time.ToMicroseconds() == clock()
    connector = evse.connectors[0]
    assert (connector.connector_id, connector.status, connector.reported_status) == (1, OCCUPIED, "Preparing")
    assert (connector.error_code, connector.status_time) == ("HighTemperature", told)
    newest, oldest = await _reports(system, "CP1")
    assert (newest.info, newest.vendor_id, newest.vendor_error_code, newest.status_time) == ("hot", "v", "E7", told)
    assert newest.receive_time.ToMicroseconds() == clock()
    assert not oldest.HasField("status_time")
    assert station.last_seen_time.ToMicroseconds() == clock()


async def test_statuses_in_any_order_and_twice_end_the_same(system: StationSystem) -> None:
    """The status of the last frame is current, in any batches and order, and each stands once in the history."""
    epoch = await system.open("CP1")
    words = ["Available", "Preparing", "Charging", "Finishing", "Available", "Faulted"]
    items = [system.status_item("CP1", epoch, number, word=word) for number, word in enumerate(words, 1)]
    shuffler = random.Random(7)  # noqa: S311 - a shuffle, no secret
    for _ in range(10):
        batch = shuffler.choices(items, k=4)
        await system.report(*batch)
    await system.report(*reversed(items))
    await system.report(items[2])
    [evse] = (await system.station("CP1")).evses
    assert evse.connectors[0].reported_status == "Faulted"
    assert [report.reported_status for report in await _reports(system, "CP1")] == words[::-1]


async def test_a_status_event_tells_of_changes_only(system: StationSystem) -> None:
    """The same status again is kept, but is no news; nor is a late one."""
    epoch = await system.open("CP1")
    for number, word in ((1, "Available"), (2, "Available"), (5, "Charging"), (4, "Preparing"), (6, "Charging")):
        await system.report(system.status_item("CP1", epoch, number, word=word))
    told = [data["reportedStatus"] for _kind, _station, data in await system.events("station.status_changed")]
    assert told == ["Available", "Charging"]
    assert len(await _reports(system, "CP1")) == 5


async def test_a_bad_item_fails_alone(system: StationSystem, database_url: str) -> None:
    """PostgreSQL takes no NUL in text: that item has an error of its own, all its neighbours are committed."""
    epoch = await system.open("CP1")
    items = [system.status_item("CP1", epoch, evse_id=number, word=f"W{number}") for number in range(1, 10)]
    items[4].status.reported_status = "W\0"
    reasons = [reason_of(result) for result in await system.report(*items)]
    bad = ["ITEM_FAILED"] if database_url.startswith("postgresql") else [""]
    assert reasons == [""] * 4 + bad + [""] * 4
    stored = {report.reported_status for report in await _reports(system, "CP1")}
    assert stored >= {f"W{number}" for number in range(1, 10) if number != 5}


async def test_concurrent_batches_of_the_same_stations(system: StationSystem) -> None:
    """Batches with the same rows in different orders end well: none deadlocks, each frame is kept once."""
    epochs = {f"CP{number}": await system.open(f"CP{number}") for number in range(8)}
    items = [
        system.status_item(station, epoch, ordinal, word=f"W{ordinal}")
        for (station, epoch), ordinal in itertools.product(epochs.items(), range(1, 6))
    ]
    shuffler = random.Random(3)  # noqa: S311 - a shuffle, no secret
    batches = [shuffler.sample(items, len(items)) for _ in range(12)]
    answers = await asyncio.gather(*(system.report(*batch) for batch in batches))
    assert not any(result.HasField("error") for answer in answers for result in answer)
    assert await system.count(models.status_report) == len(items)
    for station in epochs:
        [evse] = (await system.station(station)).evses
        assert evse.connectors[0].reported_status == "W5"


async def test_data_transfers_are_judged_and_stored(system: StationSystem) -> None:
    """Registered vendors are accepted, each for its messages; what others send is stored all the same."""
    epoch = await system.open("CP1")
    results = await _transfer(
        system,
        ("CP1", epoch, "com.acme", "anything"),
        ("CP1", epoch, "org.example", "tariff"),
        ("CP1", epoch, "org.example", "weather"),
        ("CP1", epoch, "net.unknown", "x"),
    )
    assert [result.status for result in results] == [
        ingest_pb2.DATA_TRANSFER_STATUS_ACCEPTED,
        ingest_pb2.DATA_TRANSFER_STATUS_ACCEPTED,
        ingest_pb2.DATA_TRANSFER_STATUS_UNKNOWN_MESSAGE_ID,
        ingest_pb2.DATA_TRANSFER_STATUS_UNKNOWN_VENDOR_ID,
    ]
    request = station_service_pb2.ListDataTransfersRequest(station_id="CP1")
    listed = (await system.stations.ListDataTransfers(request)).data_transfers
    assert [one.vendor_id for one in listed] == ["net.unknown", "org.example", "org.example", "com.acme"]
    assert listed[0].data == '{"a":1}'
    assert len(await system.events("station.data_transferred")) == 4


@pytest.mark.parametrize(
    "data",
    [
        '{"wifi":{"ssid":"x","passphrase":"hunter2"}}',
        "AuthorizationKey=hunter2",
        "https://h/f?a=1&sig=hunter2 and more",
    ],
)
async def test_secrets_in_vendors_data_are_not_stored(system: StationSystem, data: str) -> None:
    """In its own table as little as in the message log."""
    epoch = await system.open("CP1")
    item = ingest_pb2.TransferDataItem(origin=system.origin("CP1", epoch), vendor_id="v", data=data)
    await system.ingest.TransferData(ingest_pb2.TransferDataRequest(items=[item]))
    stored = await system.database.read(
        lambda connection: connection.execute(sa.select(models.data_transfer.c.data)).scalar_one()
    )
    assert "hunter2" not in stored
    assert "***" in stored


async def test_a_repeated_data_transfer_is_stored_once(system: StationSystem) -> None:
    """The same frame again is answered again, and neither stored nor told again."""
    epoch = await system.open("CP1")
    item = _transfer_item(system, "CP1", epoch, "com.acme", "x")
    for _ in range(2):
        response = await system.ingest.TransferData(ingest_pb2.TransferDataRequest(items=[item, item]))
        assert [result.status for result in response.results] == [ingest_pb2.DATA_TRANSFER_STATUS_ACCEPTED] * 2
    assert await system.count(models.data_transfer) == 1
    assert len(await system.events("station.data_transferred")) == 1


async def test_sightings_move_forward_only(system: StationSystem, clock: FakeClock) -> None:
    """A late note does not make a station seem older; faults add up."""
    await system.open("CP1")
    clock.advance(100)
    seen_us = clock()
    await _see(system, "CP1", seen_us, {"no_subprotocol": 1, "bad_time": 2})
    await _see(system, "CP1", seen_us - 50_000_000, {"bad_time": 3})
    station = await system.station("CP1")
    assert station.last_seen_time.ToMicroseconds() == seen_us
    assert dict(station.quirks) == {"no_subprotocol": 1, "bad_time": 5}


async def test_many_sightings_of_one_station_in_a_batch(system: StationSystem) -> None:
    """Two gateways' notes may meet in one batch; the latest counts."""
    await system.open("CP1")
    items = [
        ingest_pb2.Sighting(tenant_id="default", station_id="CP1", seen_time=to_timestamp(us), quirks={"q": 1})
        for us in (9_000_000_000_000_000, 8_000_000_000_000_000)
    ]
    await system.ingest.RecordSightings(ingest_pb2.RecordSightingsRequest(items=items))
    station = await system.station("CP1")
    assert station.last_seen_time.ToMicroseconds() == 9_000_000_000_000_000
    assert dict(station.quirks) == {"q": 2}


async def test_the_message_log_keeps_each_frame_once(system: StationSystem) -> None:
    """However often and in whatever order frames come in; newest first when read."""
    epoch = await system.open("CP1")
    frames = [_message("CP1", epoch, ordinal) for ordinal in range(1, 6)]
    await _log(system, *frames[2:], frames[2])
    await _log(system, *reversed(frames))
    messages = await _messages(system, "CP1")
    assert [message.ordinal for message in messages] == [5, 4, 3, 2, 1]
    assert messages[0] == frames[4].message


@pytest.mark.parametrize("payload", ["not JSON \0\x01 é 😀", '[2,"1","Heartbeat",{}]', "", "x" * 65_536])
async def test_the_message_log_takes_any_text(system: StationSystem, payload: str) -> None:
    """A frame is kept whatever stands in it, but for NUL, which the database does not take."""
    epoch = await system.open("CP1")
    await _log(system, _message("CP1", epoch, 1, payload=payload), _message("CP1", epoch, 2))
    [_other, message] = await _messages(system, "CP1")
    assert message.payload == payload.replace("\0", "\N{REPLACEMENT CHARACTER}")


async def test_pages_of_large_things_can_be_sent(system: StationSystem) -> None:
    """Frames cut to 64 KiB, data transfers as large as a frame may be: a page ends before a message is too large."""
    epoch = await system.open("CP1")
    for first in range(1, 180, 60):
        frames = [_message("CP1", epoch, ordinal, payload="x" * 65_536) for ordinal in range(first, first + 60)]
        await _log(system, *frames)
    for _ in range(20):
        item = _transfer_item(system, "CP1", epoch, "com.acme", "x")
        item.data = "x" * 500_000
        await system.ingest.TransferData(ingest_pb2.TransferDataRequest(items=[item]))
    messages = await _pages(
        system.stations.ListMessages, station_service_pb2.ListMessagesRequest(station_id="CP1", page_size=1000)
    )
    assert [message.ordinal for page in messages for message in page.messages] == list(range(180, 0, -1))
    transfers = await _pages(
        system.stations.ListDataTransfers, station_service_pb2.ListDataTransfersRequest(station_id="CP1")
    )
    assert sum(len(page.data_transfers) for page in transfers) == 20


async def test_empty_batches_are_answered(system: StationSystem) -> None:
    """A gateway probes a service that was unavailable with no items at all."""
    assert (await system.ingest.OpenConnections(ingest_pb2.OpenConnectionsRequest())).results == []
    assert await system.boot() == []
    assert await system.report() == []
    await system.ingest.RecordMessages(ingest_pb2.RecordMessagesRequest())


async def test_callers_without_a_proof_are_refused(system: StationSystem) -> None:
    """A caller from outside of the mesh learns nothing."""
    async with grpc.aio.insecure_channel(system.mesh_address) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await StationIngestServiceStub(channel).RecordMessages(ingest_pb2.RecordMessagesRequest())
    assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED


def _message(station_id: str, epoch: int, ordinal: int, payload: str = "[]") -> ingest_pb2.MessageItem:
    message = station_pb2.Message(
        station_id=station_id,
        direction=station_pb2.MESSAGE_DIRECTION_RECEIVED,
        message_type=2,
        message_id=f"m{ordinal}",
        action="Heartbeat",
        payload=payload,
        epoch=epoch,
        ordinal=ordinal,
        message_time=to_timestamp(1_760_000_000_000_000 + ordinal),
    )
    return ingest_pb2.MessageItem(tenant_id="default", message=message)


async def _log(system: StationSystem, *items: ingest_pb2.MessageItem) -> None:
    await system.ingest.RecordMessages(ingest_pb2.RecordMessagesRequest(items=items))


async def _pages(list_rows: Any, request: Any) -> list[Any]:
    pages = [await list_rows(request)]
    while pages[-1].next_page_token:
        request.page_token = pages[-1].next_page_token
        pages.append(await list_rows(request))
    return pages


async def _messages(system: StationSystem, station_id: str) -> list[station_pb2.Message]:
    request = station_service_pb2.ListMessagesRequest(station_id=station_id)
    return list((await system.stations.ListMessages(request)).messages)


async def _reports(system: StationSystem, station_id: str) -> list[station_pb2.StatusReport]:
    request = station_service_pb2.ListStatusReportsRequest(station_id=station_id)
    return list((await system.stations.ListStatusReports(request)).status_reports)


async def _see(system: StationSystem, station_id: str, seen_us: int, quirks: dict[str, int] | None = None) -> None:
    item = ingest_pb2.Sighting(
        tenant_id="default", station_id=station_id, seen_time=to_timestamp(seen_us), quirks=quirks or {}
    )
    await system.ingest.RecordSightings(ingest_pb2.RecordSightingsRequest(items=[item]))


def _transfer_item(
    system: StationSystem, station_id: str, epoch: int, vendor_id: str, message_id: str
) -> ingest_pb2.TransferDataItem:
    return ingest_pb2.TransferDataItem(
        origin=system.origin(station_id, epoch), vendor_id=vendor_id, message_id=message_id, data='{"a":1}'
    )


async def _transfer(
    system: StationSystem, *transfers: tuple[str, int, str, str]
) -> list[ingest_pb2.TransferDataResult]:
    items = [_transfer_item(system, *transfer) for transfer in transfers]
    return list((await system.ingest.TransferData(ingest_pb2.TransferDataRequest(items=items))).results)

"""Stations as operators see and change them."""

import pytest
from csms.station.v1 import station_ingest_service_pb2 as ingest_pb2
from csms.station.v1 import station_pb2, station_service_pb2
from google.protobuf.field_mask_pb2 import FieldMask

from mesh.runtime.times import to_timestamp
from tests.conftest import FakeClock
from tests.station_svc import tables as models
from tests.station_svc.conftest import StationSystem, access_token, attempt, fails_with, of_tenant, reason_of
from tests.waiting import until

ACCEPTED = station_pb2.REGISTRATION_STATUS_ACCEPTED
PENDING = station_pb2.REGISTRATION_STATUS_PENDING
REJECTED = station_pb2.REGISTRATION_STATUS_REJECTED


async def test_a_new_station(system: StationSystem, clock: FakeClock) -> None:
    """It is accepted, needs HTTP Basic, has its credential told once, and has never been seen."""
    request = station_service_pb2.CreateStationRequest(station_id="CP-1", display_name="Car park")
    response = await system.stations.CreateStation(request)
    station = response.station
    assert (station.station_id, station.display_name, station.security_profile) == ("CP-1", "Car park", 1)
    assert station.registration_status == ACCEPTED
    assert not station.connected
    for absent in ("identity", "connection", "last_seen_time", "last_boot_time"):
        assert not station.HasField(absent)
    assert station.create_time.ToMicroseconds() == clock()
    assert len(response.credential) == 40
    assert await system.station("CP-1") == station
    [(_kind, station_id, data)] = await system.events("station.created")
    assert (station_id, data["onboarded"]) == ("CP-1", False)


async def test_a_new_station_without_credentials(system: StationSystem) -> None:
    """Security profile 0 asks for none, so that none are made."""
    assert await system.create("CP1", security_profile=0) == ""
    [result] = await system.attempt(attempt("CP1"))
    assert reason_of(result) == ""


async def test_a_station_exists_once_in_each_tenant(system: StationSystem) -> None:
    await system.create("CP1")
    request = station_service_pb2.CreateStationRequest(station_id="CP1")
    await system.stations.CreateStation(request, metadata=of_tenant("other"))
    for tenant in ("default", "other"):
        with fails_with("STATION_EXISTS"):
            await system.stations.CreateStation(request, metadata=of_tenant(tenant))


@pytest.mark.parametrize(
    "station_id", ["a/b", "a\0", "x" * 256, "a\nb", ".", "..", "CP:reset", "00:1A:Call", "a\x7fb", "a\u200bb"]
)
async def test_impossible_names(system: StationSystem, station_id: str) -> None:
    """They could not stand at the end of a URL."""
    with fails_with("INVALID_FIELD") as caught:
        await system.create(station_id)
    assert caught[0].metadata["field"] == "station_id"


@pytest.mark.parametrize("profile", [-1, 4])
async def test_impossible_security_profiles(system: StationSystem, profile: int) -> None:
    with fails_with("INVALID_FIELD"):
        await system.create("CP1", security_profile=profile)


async def test_a_station_is_there_for_its_own_tenant_only(system: StationSystem) -> None:
    """To all others it does not exist, in whatever way they ask."""
    epoch = await system.open("CP1")
    await system.report(system.status_item("CP1", epoch))
    pb, stub, other = station_service_pb2, system.stations, of_tenant("other")
    with fails_with("STATION_NOT_FOUND"):
        await stub.GetStation(pb.GetStationRequest(station_id="CP1"), metadata=other)
    with fails_with("STATION_NOT_FOUND"):
        await stub.DeleteStation(pb.DeleteStationRequest(station_id="CP1"), metadata=other)
    with fails_with("STATION_NOT_FOUND"):
        await stub.RotateCredential(pb.RotateCredentialRequest(station_id="CP1"), metadata=other)
    with fails_with("STATION_NOT_FOUND"):
        await stub.UpdateStation(
            pb.UpdateStationRequest(station=station_pb2.Station(station_id="CP1", display_name="x")), metadata=other
        )
    with fails_with("STATION_NOT_FOUND"):
        await stub.ListStatusReports(pb.ListStatusReportsRequest(station_id="CP1"), metadata=other)
    with fails_with("STATION_NOT_FOUND"):
        await stub.ListMessages(pb.ListMessagesRequest(station_id="CP1"), metadata=other)
    with fails_with("STATION_NOT_FOUND"):
        await stub.ListVariables(pb.ListVariablesRequest(station_id="CP1"), metadata=other)
    with fails_with("STATION_NOT_FOUND"):
        await stub.ListDataTransfers(pb.ListDataTransfersRequest(station_id="CP1"), metadata=other)
    assert (await stub.ListStations(pb.ListStationsRequest(), metadata=other)).stations == []
    assert (await system.station("CP1")).connected


async def test_a_name_that_no_station_can_have(system: StationSystem) -> None:
    """A NUL is no trouble of the database's."""
    with fails_with("STATION_NOT_FOUND"):
        await system.station("CP\0")


async def test_changing_named_fields(system: StationSystem, clock: FakeClock) -> None:
    """Only what the mask names changes, also to an empty value."""
    await system.create("CP1", display_name="Old")
    clock.advance(5)
    changed = station_pb2.Station(station_id="CP1", registration_status=PENDING, security_profile=2)
    station = await _update(system, changed, "registration_status")
    assert (station.registration_status, station.display_name, station.security_profile) == (PENDING, "Old", 1)
    assert station.update_time.ToMicroseconds() == clock()
    station = await _update(system, changed, "display_name")
    assert station.display_name == ""
    assert (await _update(system, changed)).security_profile == 2
    [*_rest, (kind, _station, data)] = await system.events()
    assert (kind, data["registrationStatus"]) == ("station.updated", "REGISTRATION_STATUS_PENDING")


@pytest.mark.parametrize("status", [PENDING, REJECTED])
async def test_a_station_that_is_accepted_no_more_loses_its_socket(
    system: StationSystem, status: station_pb2.RegistrationStatus.ValueType
) -> None:
    """Once; other changes, and a station that is accepted again, leave sockets alone."""
    epoch = await system.open("CP1")
    await system.open("CP2")
    await _update(system, station_pb2.Station(station_id="CP1", display_name="New"))
    await _update(system, station_pb2.Station(station_id="CP1", registration_status=status))
    await until(lambda: system.gateway.closed == [("CP1", epoch, 1008)])
    for again in (status, ACCEPTED, status):
        await _update(system, station_pb2.Station(station_id="CP1", registration_status=again))
    await until(lambda: len(system.gateway.closed) > 1)
    assert system.gateway.closed == [("CP1", epoch, 1008)] * 2


async def test_a_station_of_2_that_becomes_pending_keeps_its_socket(system: StationSystem) -> None:
    """B02.FR.06: it is not cut off, unlike one that is rejected."""
    epoch = await system.open("CP1", version="2.0.1")
    await _update(system, station_pb2.Station(station_id="CP1", registration_status=PENDING))
    assert (await system.station("CP1")).connected
    for status in (ACCEPTED, REJECTED):
        await _update(system, station_pb2.Station(station_id="CP1", registration_status=status))
    await until(lambda: system.gateway.closed)
    assert system.gateway.closed == [("CP1", epoch, 1008)]


@pytest.mark.parametrize("path", ["connected", "nonsense", "station_id"])
async def test_what_cannot_be_changed(system: StationSystem, path: str) -> None:
    """A mask that names anything else is refused, and nothing is changed."""
    await system.create("CP1", display_name="Old")
    with fails_with("INVALID_FIELD"):
        await _update(system, station_pb2.Station(station_id="CP1", display_name="New"), "display_name", path)
    assert (await system.station("CP1")).display_name == "Old"


async def test_values_that_are_not_taken(system: StationSystem) -> None:
    """A status without meaning, a profile that is not served, a name beyond measure."""
    await system.create("CP1")
    for changed, path in (
        (station_pb2.Station(station_id="CP1"), "registration_status"),
        (station_pb2.Station(station_id="CP1", security_profile=4), "security_profile"),
        (station_pb2.Station(station_id="CP1", display_name="x" * 256), "display_name"),
        (station_pb2.Station(), "display_name"),
    ):
        with fails_with("INVALID_FIELD"):
            await _update(system, changed, path)


async def test_pages_of_stations(system: StationSystem) -> None:
    """Every station stands on exactly one page, in the order of ids, though stations are added meanwhile."""
    ids = [f"CP{number:02}" for number in range(7)] + ["cp-é", "ÜP"]
    for station_id in reversed(ids):
        await system.create(station_id)
    request = station_service_pb2.ListStationsRequest(page_size=3)
    seen = []
    while True:
        response = await system.stations.ListStations(request)
        seen += [station.station_id for station in response.stations]
        if not response.next_page_token:
            break
        request.page_token = response.next_page_token
        if len(seen) == 3:
            await system.create("AA")
    assert seen == ids


async def test_a_page_token_belongs_to_its_filter(system: StationSystem) -> None:
    """Another filter with the same token is refused; so is a token that is none."""
    for number in range(3):
        await system.create(f"CP{number}")
    response = await system.stations.ListStations(station_service_pb2.ListStationsRequest(page_size=1))
    for token in (response.next_page_token, "nonsense"):
        with fails_with("INVALID_PAGE_TOKEN"):
            await system.stations.ListStations(
                station_service_pb2.ListStationsRequest(page_token=token, filter="connected = true")
            )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("connected = true", ["CP1", "CP2"]),
        ("connected = false", ["CP3", "CP4"]),
        ("NOT connected = true", ["CP3", "CP4"]),
        ('vendor_name = "ACME" AND connected = true', ["CP1"]),
        ('model = "One"', ["CP1"]),
        ("ocpp_version = 1.6", ["CP1", "CP2", "CP3"]),
        ("ocpp_version != 1.6", ["CP4"]),
        ("registration_status = PENDING", ["CP4"]),
        ("registration_status = REGISTRATION_STATUS_ACCEPTED", ["CP1", "CP2", "CP3"]),
        ('station_id > "CP2"', ["CP3", "CP4"]),
        ("station_id = CP1 OR station_id = CP4", ["CP1", "CP4"]),
    ],
)
async def test_filtering_stations(system: StationSystem, text: str, expected: list[str]) -> None:
    epochs = [await system.open(f"CP{number}") for number in (1, 2, 3)]
    await system.boot(system.boot_item("CP1", epochs[0]))
    await system.close("CP3", epochs[2])
    await system.create("CP4")
    await _update(system, station_pb2.Station(station_id="CP4", registration_status=PENDING))
    response = await system.stations.ListStations(station_service_pb2.ListStationsRequest(filter=text))
    assert [station.station_id for station in response.stations] == expected


@pytest.mark.parametrize("text", ["colour = red", "connected = maybe", "registration_status = 1", "connected ="])
async def test_filters_that_mean_nothing(system: StationSystem, text: str) -> None:
    """They are refused with what is wrong."""
    with fails_with("INVALID_FILTER"):
        await system.stations.ListStations(station_service_pb2.ListStationsRequest(filter=text))


async def test_filtering_and_paging_messages(system: StationSystem) -> None:
    """Newest first over connections, each frame once, by the fields that the contract names."""
    for epoch in [await system.open("CP1"), await system.open("CP1")]:
        await _log(system, epoch, ("Heartbeat", 2, 1), ("Heartbeat", 3, 2), ("Reset", 2, 2), ("", 0, 1))
    seen = await _all_messages(system, "")
    assert seen == sorted(seen, reverse=True)
    assert len(seen) == 8
    assert len(await _all_messages(system, 'action = "Heartbeat"')) == 4
    assert len(await _all_messages(system, "direction = RECEIVED")) == 4
    assert len(await _all_messages(system, "direction = MESSAGE_DIRECTION_SENT AND message_type = 2")) == 2
    assert len(await _all_messages(system, "message_id = m3")) == 2
    for text in ("direction = UP", "message_type = 99999999999999999999", "payload = x"):
        with fails_with("INVALID_FILTER"):
            await _all_messages(system, text)


async def test_a_message_page_belongs_to_its_station(system: StationSystem) -> None:
    """The token of one station's list is none of another's."""
    for station_id in ("CP1", "CP2"):
        epoch = await system.open(station_id)
        await system.report(system.status_item(station_id, epoch), system.status_item(station_id, epoch, evse_id=2))
    pb = station_service_pb2
    first = await system.stations.ListStatusReports(pb.ListStatusReportsRequest(station_id="CP1", page_size=1))
    assert len(first.status_reports) == 1
    request = pb.ListStatusReportsRequest(station_id="CP2", page_token=first.next_page_token)
    with fails_with("INVALID_PAGE_TOKEN"):
        await system.stations.ListStatusReports(request)
    request.station_id = "CP1"
    second = await system.stations.ListStatusReports(request)
    assert [report.evse.evse_id for report in (*first.status_reports, *second.status_reports)] == [2, 1]
    assert second.next_page_token == ""


async def test_a_removed_station_is_gone_with_its_history(system: StationSystem, clock: FakeClock) -> None:
    """Its socket is closed, what it left is removed in parts, and one of the same name starts anew at once."""
    epoch = await system.open("CP1")
    await system.report(*(system.status_item("CP1", epoch, evse_id=number) for number in range(1, 6)))
    await _log(system, epoch, *[("Heartbeat", 2, 1)] * 5)
    other = await system.open("CP2")
    await system.report(system.status_item("CP2", other))
    await system.stations.DeleteStation(station_service_pb2.DeleteStationRequest(station_id="CP1"))
    await until(lambda: system.gateway.closed == [("CP1", epoch, 1008)])
    with fails_with("STATION_NOT_FOUND"):
        await system.station("CP1")
    assert [kind for kind, _station, _data in await system.events("station.deleted")] == ["station.deleted"]

    clock.advance(1)
    again = await system.open("CP1")
    assert (await system.station("CP1")).evses == []
    await system.report(system.status_item("CP1", again, evse_id=7))
    assert await _reported_evses(system, "CP1") == [7]
    assert await _all_messages(system, "") == []
    assert await system.housekeeper.remove_histories() == 10
    assert await _reported_evses(system, "CP1") == [7]
    assert await _reported_evses(system, "CP2") == [1]
    assert await system.count(models.removal) == 0
    assert await system.housekeeper.remove_histories() == 0


async def test_viewers_may_not_change_stations(system: StationSystem) -> None:
    """Reading is for everyone who is logged in, changing is not."""
    viewer = (("authorization", f"Bearer {access_token(role='VIEWER')}"),)
    await system.create("CP1")
    await system.stations.GetStation(station_service_pb2.GetStationRequest(station_id="CP1"), metadata=viewer)
    with fails_with("ROLE_TOO_LOW"):
        await system.stations.DeleteStation(station_service_pb2.DeleteStationRequest(station_id="CP1"), metadata=viewer)


async def _update(system: StationSystem, station: station_pb2.Station, *paths: str) -> station_pb2.Station:
    request = station_service_pb2.UpdateStationRequest(station=station, update_mask=FieldMask(paths=paths))
    return (await system.stations.UpdateStation(request)).station


async def _log(system: StationSystem, epoch: int, *frames: tuple[str, int, int]) -> None:
    items = [
        ingest_pb2.MessageItem(
            tenant_id="default",
            message=station_pb2.Message(
                station_id="CP1",
                action=action,
                message_type=message_type,
                direction=station_pb2.MessageDirection.ValueType(direction),
                message_id=f"m{ordinal}",
                epoch=epoch,
                ordinal=ordinal,
                message_time=to_timestamp(system.clock()),
            ),
        )
        for ordinal, (action, message_type, direction) in enumerate(frames, 1)
    ]
    await system.ingest.RecordMessages(ingest_pb2.RecordMessagesRequest(items=items))


async def _all_messages(system: StationSystem, text: str) -> list[tuple[int, int]]:
    request = station_service_pb2.ListMessagesRequest(station_id="CP1", page_size=3, filter=text)
    seen: list[tuple[int, int]] = []
    while True:
        response = await system.stations.ListMessages(request)
        seen += [(message.epoch, message.ordinal) for message in response.messages]
        if not response.next_page_token:
            return seen
        request.page_token = response.next_page_token


async def _reported_evses(system: StationSystem, station_id: str) -> list[int]:
    request = station_service_pb2.ListStatusReportsRequest(station_id=station_id)
    reports = (await system.stations.ListStatusReports(request)).status_reports
    return [report.evse.evse_id for report in reports]

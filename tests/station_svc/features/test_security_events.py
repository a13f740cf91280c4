"""Security events, from a gateway's report to the operator's list."""

from typing import Any

from csms.station.v1 import security_event_pb2, station_service_pb2
from csms.station.v1 import station_ingest_service_pb2 as ingest_pb2
from csms.station.v1.security_event_service_pb2 import ListSecurityEventsRequest, ListSecurityEventsResponse
from csms.station.v1.security_event_service_pb2_grpc import SecurityEventServiceStub

from mesh.runtime.times import to_timestamp
from tests.conftest import FakeClock
from tests.station_svc import tables as models
from tests.station_svc.conftest import StationSystem, fails_with, of_tenant, reason_of

CRITICAL = security_event_pb2.SECURITY_EVENT_CRITICALITY_CRITICAL


def _item(
    system: StationSystem, station_id: str, epoch: int, ordinal: int | None = None, *, kind: str, **more: Any
) -> ingest_pb2.ReportItem:
    event = security_event_pb2.SecurityEvent(type=kind, **more)
    return ingest_pb2.ReportItem(origin=system.origin(station_id, epoch, ordinal), security_event=event)


async def _list(system: StationSystem, station_id: str, **more: Any) -> ListSecurityEventsResponse:
    stub = SecurityEventServiceStub(system.operators)
    response: ListSecurityEventsResponse = await stub.ListSecurityEvents(
        ListSecurityEventsRequest(station_id=station_id, **more)
    )
    return response


async def test_an_event_is_stored_and_told(system: StationSystem, clock: FakeClock) -> None:
    epoch = await system.open("CP1")
    told = to_timestamp(clock() - 60_000_000)
    item = _item(
        system, "CP1", epoch, kind="ResetOrReboot", tech_info="watchdog", criticality=CRITICAL, event_time=told
    )
    assert [reason_of(result) for result in await system.notify(item)] == [""]
    [event] = (await _list(system, "CP1")).security_events
    assert event == security_event_pb2.SecurityEvent(
        station_id="CP1",
        type="ResetOrReboot",
        tech_info="watchdog",
        criticality=CRITICAL,
        event_time=told,
        receive_time=to_timestamp(clock()),
    )
    [(_kind, station_id, data)] = await system.events("station.security_event")
    assert station_id == "CP1"
    assert data == {
        "type": "ResetOrReboot",
        "techInfo": "watchdog",
        "criticality": "SECURITY_EVENT_CRITICALITY_CRITICAL",
        "eventTime": told.ToJsonString(),
    }


async def test_a_repeated_frame_counts_once(system: StationSystem) -> None:
    """Within one batch, and in a later one, in any order; the station may still send the same event anew."""
    epoch = await system.open("CP1")
    first, second = (_item(system, "CP1", epoch, number, kind="InvalidMessages") for number in (1, 2))
    for batch in ((second, second), (first, second), (first,)):
        assert [reason_of(result) for result in await system.notify(*batch)] == [""] * len(batch)
    assert await system.count(models.security_event) == 2
    assert len(await system.events("station.security_event")) == 2


async def test_bad_items_fail_alone(system: StationSystem) -> None:
    """One of a removed station, one of a kind that is not known; their neighbours are stored."""
    gone, here = await system.open("CP1"), await system.open("CP2")
    await system.stations.DeleteStation(station_service_pb2.DeleteStationRequest(station_id="CP1"))
    results = await system.notify(
        _item(system, "CP1", gone, kind="A"),
        ingest_pb2.ReportItem(origin=system.origin("CP2", here)),
        _item(system, "CP2", here, kind="B"),
    )
    assert [reason_of(result) for result in results] == ["STATION_UNKNOWN", "UNKNOWN_REPORT", ""]
    assert [event.type for event in (await _list(system, "CP2")).security_events] == ["B"]
    assert await system.notify() == []


async def test_pages_and_filters(system: StationSystem, clock: FakeClock) -> None:
    """Newest first; a filter holds over all pages."""
    epoch = await system.open("CP1")
    for number in range(7):
        clock.advance(60)
        criticality = CRITICAL if number % 2 else security_event_pb2.SECURITY_EVENT_CRITICALITY_UNSPECIFIED
        time = to_timestamp(clock())
        await system.notify(
            _item(system, "CP1", epoch, kind=f"E{number}", criticality=criticality, event_time=time),
        )
    first = await _list(system, "CP1", page_size=2, filter="criticality = CRITICAL")
    assert [event.type for event in first.security_events] == ["E5", "E3"]
    rest = await _list(system, "CP1", page_size=2, filter="criticality = CRITICAL", page_token=first.next_page_token)
    assert [event.type for event in rest.security_events] == ["E1"]
    assert not rest.next_page_token
    since = to_timestamp(clock() - 60_000_000).ToJsonString()
    late = await _list(system, "CP1", filter=f'event_time >= "{since}" AND NOT type = E6')
    assert [event.type for event in late.security_events] == ["E5"]
    for text in ("criticality = DIRE", "event_time > noon", "event_time > 2026-01-01", "colour = red"):
        with fails_with("INVALID_FILTER"):
            await _list(system, "CP1", filter=text)
    with fails_with("INVALID_PAGE_TOKEN"):
        await _list(system, "CP1", page_token=first.next_page_token)


async def test_a_station_of_nobody_or_of_others(system: StationSystem) -> None:
    """Is not there, nor is one whose name no station can have."""
    await system.open("CP1")
    stub = SecurityEventServiceStub(system.operators)
    for station_id in ("NOBODY", "CP\0"):
        with fails_with("STATION_NOT_FOUND"):
            await _list(system, station_id)
    with fails_with("STATION_NOT_FOUND"):
        await stub.ListSecurityEvents(ListSecurityEventsRequest(station_id="CP1"), metadata=of_tenant("other"))


async def test_they_go_with_their_station(system: StationSystem) -> None:
    """A new station of the same name does not see them, even before they are removed."""
    epoch = await system.open("CP1")
    await system.notify(*(_item(system, "CP1", epoch, kind=f"E{number}") for number in range(5)))
    await system.stations.DeleteStation(station_service_pb2.DeleteStationRequest(station_id="CP1"))
    epoch = await system.open("CP1")
    await system.notify(_item(system, "CP1", epoch, kind="new"))
    assert [event.type for event in (await _list(system, "CP1")).security_events] == ["new"]
    await system.housekeeper.remove_histories()
    assert await system.count(models.security_event) == 1

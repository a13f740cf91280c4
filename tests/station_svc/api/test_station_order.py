"""The order of the list of stations, and the search in it."""

from typing import Any

import pytest
from csms.station.v1.station_service_pb2 import ListStationsRequest

from tests.station_svc.conftest import StationSystem, fails_with


@pytest.fixture
async def fleet(system: StationSystem) -> StationSystem:
    """Four stations: CP1 and CP3 have booted, of which CP3 is connected; CP2 and CP4 were never there."""
    names = {"CP1": "Quay", "CP2": "airport", "CP3": "", "CP4": "Mall 100%"}
    for station_id, display_name in names.items():
        await system.create(station_id, security_profile=0, display_name=display_name)
        system.clock.advance(1)
    for station_id, model in (("CP1", "Two"), ("CP3", "one")):
        epoch = await system.open(station_id)
        await system.boot(system.boot_item(station_id, epoch, model=model, serial_number=f"SN-{station_id}"))
        system.clock.advance(2)
        if station_id == "CP1":
            await system.close(station_id, epoch)
    return system


async def _pages(system: StationSystem, **values: Any) -> str:
    """The numbers of the stations on all pages of two."""
    request, seen = ListStationsRequest(page_size=2, **values), ""
    while True:
        response = await system.stations.ListStations(request)
        seen += "".join(station.station_id.removeprefix("CP") for station in response.stations)
        if not response.next_page_token:
            return seen
        request.page_token = response.next_page_token


@pytest.mark.parametrize(
    ("order_by", "expected"),
    [
        ("", "1234"),
        ("station_id desc", "4321"),
        ("display_name", "2341"),
        ("connected desc, station_id", "3124"),
        ("last_seen_time desc", "3142"),
        ("create_time desc", "4321"),
        ("model, station_id desc", "4231"),
        ("vendor_name desc, display_name desc", "1342"),
        ("ocpp_version", "2413"),
        ("site_id, firmware_version", "1234"),
    ],
)
async def test_stations_are_listed_in_the_order_that_is_asked_for(
    fleet: StationSystem, order_by: str, expected: str
) -> None:
    """Over pages; names without regard to case, a station without a name by its id, and without a value first."""
    assert await _pages(fleet, order_by=order_by) == expected


async def test_a_page_token_belongs_to_its_order(fleet: StationSystem) -> None:
    """Another order with the same token is refused, and so is one that there is not."""
    response = await fleet.stations.ListStations(ListStationsRequest(page_size=1, order_by="station_id"))
    token = response.next_page_token
    with fails_with("INVALID_PAGE_TOKEN"):
        await fleet.stations.ListStations(ListStationsRequest(page_token=token, order_by="display_name"))
    with fails_with("INVALID_PAGE_TOKEN"):
        await fleet.stations.ListStations(ListStationsRequest(page_token=token))
    with fails_with("INVALID_FIELD"):
        await fleet.stations.ListStations(ListStationsRequest(order_by="colour"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('"AIR"', "2"),
        ('"cp"', "1234"),
        ('"acme"', "13"),
        ('"sn-cp3"', "3"),
        ('"100%"', "4"),
        ('"%"', "4"),
        ('"cp" AND connected = true', "3"),
        ('"quay" OR "mall"', "14"),
        ('"nowhere"', ""),
    ],
)
async def test_a_text_is_found_wherever_it_stands(fleet: StationSystem, text: str, expected: str) -> None:
    """In id, name, vendor, model and serial number, as a part, in any case of letters."""
    assert await _pages(fleet, filter=text) == expected

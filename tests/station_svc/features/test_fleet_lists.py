"""Lists of what all stations have: AIP-159's wildcard, the fields of filters that all of them share, and pages."""

from functools import partial
from typing import Any

import pytest
from csms.station.v1.site_pb2 import Site
from csms.station.v1.site_service_pb2 import CreateSiteRequest
from csms.station.v1.site_service_pb2_grpc import SiteServiceStub

from tests.fleet_rows import FLEET_LISTS, add_fleet_rows
from tests.scoped_callers import WHOLE, limited_to
from tests.scopes.methods import Method, methods
from tests.station_svc.conftest import StationSystem, of_tenant

STATIONS = ("CP1", "CP2", "CP3")
pytestmark = pytest.mark.parametrize("name", FLEET_LISTS)


def _method(name: str) -> Method:
    return next(method for method in methods(*range(1, 6)) if method.name == name)


async def _list(system: StationSystem, name: str, metadata: Any = WHOLE, **values: Any) -> Any:
    method = _method(name)
    request: Any = method.least({"station_id": values.pop("station_id", "-")})
    for field, value in values.items():
        setattr(request, field, value)
    response = await method.call({"station": system.operators}, request, metadata)
    if isinstance(response, Exception):
        raise response
    return response


def _stations(name: str, response: Any) -> list[str]:
    return [row.station_id for row in getattr(response, FLEET_LISTS[name])]


@pytest.fixture
async def fleet(system: StationSystem) -> StationSystem:
    """Three stations, the third in the site `yard`; the later one has the later rows."""
    sites = SiteServiceStub(system.operators)
    await sites.CreateSite(CreateSiteRequest(site=Site(site_id="yard")), metadata=WHOLE)
    for number, station_id in enumerate(STATIONS):
        await system.create(station_id, site_id="yard" if station_id == "CP3" else "")
        add = partial(add_fleet_rows, station_id=station_id, now_us=system.clock() + number)
        await system.database.write(add)
    return system


async def test_all_stations_are_listed_in_pages(fleet: StationSystem, name: str) -> None:
    """Each row once, in the list's order, one page after another."""
    by_station = name in {"ListInstalledCertificates", "ListLocalLists"}
    expected = list(STATIONS if by_station else reversed(STATIONS))
    seen: list[str] = []
    token = ""
    while len(seen) < 9:
        response = await _list(fleet, name, page_size=1, page_token=token)
        seen += _stations(name, response)
        token = response.next_page_token
        if not token:
            break
    assert seen == expected


async def test_filters_by_station_and_site(fleet: StationSystem, name: str) -> None:
    """Each of these lists has the fields station_id, site and labels beside its own."""
    assert _stations(name, await _list(fleet, name, filter='station_id = "CP2"')) == ["CP2"]
    assert _stations(name, await _list(fleet, name, filter="site:yard")) == ["CP3"]
    assert _stations(name, await _list(fleet, name, filter="labels.region:north")) == []


async def test_a_limited_caller_sees_the_scope_alone(fleet: StationSystem, name: str) -> None:
    """All stations are those of the scope; another tenant has none of them."""
    assert _stations(name, await _list(fleet, name, limited_to("yard"))) == ["CP3"]
    assert _stations(name, await _list(fleet, name, of_tenant("other"))) == []


async def test_one_station_is_listed_alone(fleet: StationSystem, name: str) -> None:
    """As before, where the request names one; a station that there is not is not found."""
    method = _method(name)
    if "station_id" not in method.descriptor.input_type.fields_by_name:
        assert name == "ListLocalLists", "GetLocalList reads the one of a station"
        return
    assert _stations(name, await _list(fleet, name, station_id="CP1")) == ["CP1"]
    outcome = await method.call({"station": fleet.operators}, method.least({"station_id": "CP9"}), WHOLE)
    assert getattr(outcome, "reason", "") == "STATION_NOT_FOUND"

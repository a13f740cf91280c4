"""The tree of sites, as operators change and read it."""

from collections.abc import Sequence
from typing import Any

import pytest
from csms.station.v1 import site_pb2
from csms.station.v1 import site_service_pb2 as pb
from csms.station.v1.site_service_pb2_grpc import SiteServiceStub
from csms.station.v1.station_pb2 import Station
from csms.station.v1.station_service_pb2 import UpdateStationRequest
from google.protobuf.field_mask_pb2 import FieldMask

from mesh.runtime.times import to_timestamp
from tests.conftest import FakeClock
from tests.scoped_callers import WHOLE, limited_to
from tests.station_svc import tables as models
from tests.station_svc.conftest import StationSystem, fails_with, of_tenant

Metadata = Sequence[tuple[str, str]]


class Sites:
    """SiteService, as an administrator of the whole tenant calls it unless metadata are given."""

    def __init__(self, system: StationSystem) -> None:
        self.stub = SiteServiceStub(system.operators)

    async def add(self, site_id: str, parent: str = "", *, metadata: Metadata = WHOLE, **more: Any) -> site_pb2.Site:
        site = site_pb2.Site(site_id=site_id, parent_site_id=parent, **more)
        return (await self.stub.CreateSite(pb.CreateSiteRequest(site=site), metadata=metadata)).site

    async def get(self, site_id: str, metadata: Metadata = WHOLE) -> site_pb2.Site:
        return (await self.stub.GetSite(pb.GetSiteRequest(site_id=site_id), metadata=metadata)).site

    async def ids(self, wanted: str = "", metadata: Metadata = WHOLE) -> list[str]:
        response = await self.stub.ListSites(pb.ListSitesRequest(filter=wanted), metadata=metadata)
        return [site.site_id for site in response.sites]

    async def update(self, *paths: str, metadata: Metadata = WHOLE, **fields: Any) -> site_pb2.Site:
        request = pb.UpdateSiteRequest(site=site_pb2.Site(**fields), update_mask=FieldMask(paths=paths))
        return (await self.stub.UpdateSite(request, metadata=metadata)).site

    async def move(self, site_id: str, parent: str = "", metadata: Metadata = WHOLE) -> site_pb2.Site:
        request = pb.MoveSiteRequest(site_id=site_id, parent_site_id=parent)
        return (await self.stub.MoveSite(request, metadata=metadata)).site

    async def delete(self, site_id: str, metadata: Metadata = WHOLE) -> None:
        await self.stub.DeleteSite(pb.DeleteSiteRequest(site_id=site_id), metadata=metadata)


@pytest.fixture
async def sites(system: StationSystem) -> Sites:
    """Berlin with a garage of two floors, and Bonn."""
    found = Sites(system)
    await found.add("berlin", time_zone="Europe/Berlin", labels={"region": "east"})
    await found.add("garage", "berlin", kind="building")
    await found.add("floor-1", "garage", kind="floor")
    await found.add("floor-2", "garage", kind="floor", labels={"lift": "none"})
    await found.add("bonn")
    return found


async def test_a_site_is_read_as_it_was_given(system: StationSystem, clock: FakeClock) -> None:
    given = site_pb2.Site(
        site_id="berlin",
        kind="site",
        display_name="Berlin, Alex",
        address=site_pb2.SiteAddress(
            lines=["Alexanderplatz 1"], postal_code="10178", locality="Berlin", country_code="DE"
        ),
        coordinates=site_pb2.Coordinates(latitude=52.5219, longitude=13.4132),
        time_zone="Europe/Berlin",
        opening_periods=[site_pb2.OpeningPeriod(weekday=1, open_minute=480, close_minute=1440)],
        contact=site_pb2.SiteContact(name="Ada", phone="+49 30 1", email="ada@example.org"),
        labels={"region": "east", "owner": "city"},
    )
    sites = Sites(system)
    made = (await sites.stub.CreateSite(pb.CreateSiteRequest(site=given), metadata=WHOLE)).site
    expected = site_pb2.Site()
    expected.CopyFrom(given)
    expected.path.append("berlin")
    expected.effective_time_zone = "Europe/Berlin"
    expected.create_time.CopyFrom(to_timestamp(clock()))
    expected.update_time.CopyFrom(to_timestamp(clock()))
    assert made == expected
    assert await sites.get("berlin") == expected


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("site.site_id", {"site_id": "a/b"}),
        ("site.site_id", {"site_id": "-a"}),
        ("site.kind", {"kind": "Big House"}),
        ("site.time_zone", {"time_zone": "Middle/Earth"}),
        ("site.time_zone", {"time_zone": "../../etc/passwd"}),
        ("site.time_zone", {"time_zone": "x" * 400}),
        ("site.coordinates.latitude", {"coordinates": site_pb2.Coordinates(latitude=91)}),
        ("site.coordinates.longitude", {"coordinates": site_pb2.Coordinates(longitude=float("nan"))}),
        ("site.address.country_code", {"address": site_pb2.SiteAddress(country_code="Germany")}),
        ("site.opening_periods[0].weekday", {"opening_periods": [site_pb2.OpeningPeriod(close_minute=1)]}),
        ("site.labels", {"labels": {"Region": "x"}}),
        ("site.labels.region", {"labels": {"region": ""}}),
        ("site.contact.name", {"contact": site_pb2.SiteContact(name="a\0b")}),
    ],
)
async def test_a_wrong_field_is_named(system: StationSystem, field: str, wrong: dict[str, Any]) -> None:
    with fails_with("INVALID_FIELD") as caught:
        await Sites(system).add(**{"site_id": "berlin", **wrong})
    assert caught[0].metadata["field"] == field


async def test_a_site_stands_below_another_and_has_its_time_zone(sites: Sites) -> None:
    floor = await sites.get("floor-1")
    assert list(floor.path) == ["berlin", "garage", "floor-1"]
    assert floor.effective_time_zone == "Europe/Berlin"
    assert (await sites.get("bonn")).effective_time_zone == "UTC"


async def test_a_list_has_each_site_before_its_parts_and_pages(sites: Sites) -> None:
    assert await sites.ids() == ["berlin", "garage", "floor-1", "floor-2", "bonn"]
    found, token = [], ""
    while True:
        page = await sites.stub.ListSites(pb.ListSitesRequest(page_size=2, page_token=token), metadata=WHOLE)
        found += [site.site_id for site in page.sites]
        token = page.next_page_token
        if not token:
            break
    assert found == ["berlin", "garage", "floor-1", "floor-2", "bonn"]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("site:garage", ["garage", "floor-1", "floor-2"]),
        ("site:nowhere", []),
        ("NOT site:garage", ["berlin", "bonn"]),
        ("labels.region:east", ["berlin", "garage", "floor-1", "floor-2"]),
        ("labels.lift : none", ["floor-2"]),
        ("site:berlin AND kind = floor", ["floor-1", "floor-2"]),
        ('parent_site_id = ""', ["berlin", "bonn"]),
    ],
)
async def test_sites_are_filtered_by_subtree_and_label(sites: Sites, wanted: str, found: list[str]) -> None:
    assert await sites.ids(wanted) == found


async def test_a_filter_names_what_it_cannot_read(sites: Sites) -> None:
    for wanted in ("labels:east", "labels.region = east", "site = berlin", "labels.Region:east"):
        with fails_with("INVALID_FILTER"):
            await sites.ids(wanted)


async def test_the_named_fields_are_changed_and_no_others(sites: Sites, clock: FakeClock) -> None:
    clock.advance(5)
    site = await sites.update("display_name", "labels", site_id="berlin", display_name="Berlin", kind="area")
    assert (site.display_name, site.kind, dict(site.labels)) == ("Berlin", "site", {})
    assert site.update_time == to_timestamp(clock())
    with fails_with("INVALID_FIELD"):
        await sites.update("parent_site_id", site_id="berlin", parent_site_id="bonn")


async def test_a_moved_site_takes_its_subtree_along(sites: Sites) -> None:
    moved = await sites.move("garage", "bonn")
    assert list(moved.path) == ["bonn", "garage"]
    assert list((await sites.get("floor-2")).path) == ["bonn", "garage", "floor-2"]
    assert (await sites.get("floor-2")).effective_time_zone == "UTC"
    assert await sites.ids("site:berlin") == ["berlin"]
    assert list((await sites.move("floor-2")).path) == ["floor-2"]


@pytest.mark.parametrize("parent", ["berlin", "garage", "floor-1"])
async def test_a_site_never_becomes_a_part_of_itself(sites: Sites, parent: str) -> None:
    with fails_with("SITE_CYCLE"):
        await sites.move("berlin", parent)
    assert list((await sites.get("floor-1")).path) == ["berlin", "garage", "floor-1"]


async def test_the_tree_has_32_levels(system: StationSystem) -> None:
    sites = Sites(system)
    for level in range(32):
        await sites.add(f"s{level}", f"s{level - 1}" if level else "")
    with fails_with("SITE_TOO_DEEP"):
        await sites.add("s32", "s31")
    await sites.add("top")
    with fails_with("SITE_TOO_DEEP"):
        await sites.move("s0", "top")


async def test_only_an_empty_site_is_removed(system: StationSystem, sites: Sites) -> None:
    await system.create("CP1", site_id="floor-1")
    for site_id in ("berlin", "garage", "floor-1"):
        with fails_with("SITE_NOT_EMPTY"):
            await sites.delete(site_id)
    await sites.delete("floor-2")
    with fails_with("SITE_NOT_FOUND"):
        await sites.get("floor-2")
    station = Station(station_id="CP1", site_id="")
    await system.stations.UpdateStation(UpdateStationRequest(station=station, update_mask=FieldMask(paths=["site_id"])))
    await sites.delete("floor-1")
    await sites.delete("garage")
    assert await system.count(models.site_label) == 1


async def test_two_sites_of_a_tenant_have_two_ids_and_tenants_do_not_meet(sites: Sites) -> None:
    with fails_with("SITE_EXISTS"):
        await sites.add("floor-1", "bonn")
    other = of_tenant("other")
    with fails_with("SITE_NOT_FOUND"):
        await sites.get("berlin", other)
    assert await sites.ids("site:berlin", other) == []


async def test_changes_of_the_tree_are_events(system: StationSystem, sites: Sites) -> None:
    await sites.move("floor-2", "bonn")
    await sites.update("kind", site_id="bonn", kind="depot")
    await sites.delete("floor-2")
    found = [(kind, data) for kind, _station, data in await system.events("site.")]
    assert found[-3:] == [
        ("site.moved", {"siteId": "floor-2", "parentSiteId": "bonn", "formerParentSiteId": "garage"}),
        ("site.updated", {"siteId": "bonn", "parentSiteId": ""}),
        ("site.deleted", {"siteId": "floor-2", "parentSiteId": "bonn"}),
    ]


class TestLimitedCallers:
    """An administrator of a subtree sees and changes that subtree, and learns nothing of the rest."""

    async def test_sees_its_subtree_alone(self, sites: Sites) -> None:
        garage = limited_to("garage")
        assert await sites.ids("", garage) == ["garage", "floor-1", "floor-2"]
        assert await sites.ids("site:berlin", garage) == ["garage", "floor-1", "floor-2"]
        assert await sites.ids("", limited_to("floor-1", "bonn")) == ["floor-1", "bonn"]
        for site_id in ("berlin", "bonn", "none"):
            with fails_with("SITE_NOT_FOUND"):
                await sites.get(site_id, garage)

    async def test_is_not_shown_the_sites_above(self, sites: Sites) -> None:
        site = await sites.get("garage", limited_to("garage"))
        assert (list(site.path), site.parent_site_id) == (["garage"], "")
        assert site.effective_time_zone == "Europe/Berlin"

    async def test_adds_and_moves_within_it(self, sites: Sites) -> None:
        garage = limited_to("garage")
        await sites.add("floor-3", "garage", metadata=garage)
        assert list((await sites.move("floor-3", "floor-1", garage)).path) == ["garage", "floor-1", "floor-3"]
        for parent, reason in (("", "SCOPE_TOO_NARROW"), ("bonn", "SITE_NOT_FOUND")):
            with fails_with(reason):
                await sites.add("mine", parent, metadata=garage)
            with fails_with(reason):
                await sites.move("floor-3", parent, garage)

    async def test_changes_nothing_outside(self, sites: Sites) -> None:
        floor = limited_to("floor-1")
        with fails_with("SITE_NOT_FOUND"):
            await sites.update("kind", site_id="floor-2", kind="attic", metadata=floor)
        with fails_with("SITE_NOT_FOUND"):
            await sites.delete("floor-2", floor)

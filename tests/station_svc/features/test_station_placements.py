"""Where stations stand: placed, moved with their history, found by subtree and label."""

import time
from typing import Any

import pytest
import sqlalchemy as sa
from csms.station.v1 import site_pb2
from csms.station.v1 import site_service_pb2 as pb
from csms.station.v1.station_pb2 import Station
from csms.station.v1.station_service_pb2 import (
    CreateStationRequest,
    DeleteStationRequest,
    ImportStationsRequest,
    ImportStationsResponse,
    ListStationsRequest,
    UpdateStationRequest,
)
from google.protobuf.field_mask_pb2 import FieldMask

from mesh.identity.callers import WHOLE_TENANT, Scope
from mesh.runtime.times import to_timestamp
from station_svc.core import placement_store
from station_svc.core.placement_store import PlacementChange
from tests.conftest import FakeClock
from tests.scoped_callers import WHOLE, limited_to
from tests.station_svc import tables as models
from tests.station_svc.conftest import StationSystem, fails_with
from tests.station_svc.features.test_sites import Metadata, Sites


@pytest.fixture
async def sites(system: StationSystem) -> Sites:
    """Berlin with a garage, and Bonn."""
    found = Sites(system)
    await found.add("berlin", time_zone="Europe/Berlin", labels={"region": "east"})
    await found.add("garage", "berlin")
    await found.add("bonn", labels={"region": "west"})
    return found


async def _update(system: StationSystem, *paths: str, metadata: Metadata = WHOLE, **fields: Any) -> Station:
    request = UpdateStationRequest(station=Station(**fields), update_mask=FieldMask(paths=paths))
    return (await system.stations.UpdateStation(request, metadata=metadata)).station


async def _found(system: StationSystem, wanted: str = "", metadata: Metadata = WHOLE) -> list[str]:
    response = await system.stations.ListStations(ListStationsRequest(filter=wanted), metadata=metadata)
    return [station.station_id for station in response.stations]


async def _placements(sites: Sites, station_id: str, metadata: Metadata = WHOLE) -> list[site_pb2.StationPlacement]:
    request = pb.ListStationPlacementsRequest(station_id=station_id)
    return list((await sites.stub.ListStationPlacements(request, metadata=metadata)).placements)


async def _import(
    system: StationSystem, *lines: str, metadata: Metadata = WHOLE, validate_only: bool = False
) -> ImportStationsResponse:
    request = ImportStationsRequest(csv="\n".join(lines), validate_only=validate_only)
    return await system.stations.ImportStations(request, metadata=metadata)


async def test_a_station_has_its_site_and_labels(system: StationSystem, sites: Sites) -> None:
    await system.create("CP1", site_id="garage", labels={"fleet": "taxis"})
    station = await system.station("CP1")
    assert (station.site_id, dict(station.labels)) == ("garage", {"fleet": "taxis"})
    station = await _update(system, station_id="CP1", labels={"fleet": "vans", "fast": "yes"})
    assert (station.site_id, dict(station.labels)) == ("garage", {"fleet": "vans", "fast": "yes"})
    station = await _update(system, "site_id", station_id="CP1", site_id="bonn")
    assert (station.site_id, dict(station.labels)) == ("bonn", {"fleet": "vans", "fast": "yes"})
    station = await _update(system, "labels", "display_name", station_id="CP1", display_name="One")
    assert (station.site_id, dict(station.labels), station.display_name) == ("bonn", {}, "One")
    del sites


async def test_a_move_keeps_the_history(system: StationSystem, sites: Sites, clock: FakeClock) -> None:
    begin = to_timestamp(clock())
    await system.create("CP1", site_id="garage")
    clock.advance(60)
    moved = to_timestamp(clock())
    await _update(system, "site_id", station_id="CP1", site_id="bonn")
    await _update(system, "site_id", station_id="CP1", site_id="bonn")
    assert await _placements(sites, "CP1") == [
        site_pb2.StationPlacement(site_id="bonn", begin_time=moved, username="sue"),
        site_pb2.StationPlacement(site_id="garage", begin_time=begin, end_time=moved, username="ann"),
    ]
    assert await system.events("station.moved") == [
        ("station.moved", "CP1", {"siteId": "garage", "formerSiteId": ""}),
        ("station.moved", "CP1", {"siteId": "bonn", "formerSiteId": "garage"}),
    ]


async def test_placements_outside_of_a_callers_scope_are_left_out(system: StationSystem, sites: Sites) -> None:
    await system.create("CP1", site_id="garage")
    await _update(system, "site_id", station_id="CP1", site_id="bonn")
    assert [one.site_id for one in await _placements(sites, "CP1", limited_to("bonn"))] == ["bonn"]


async def test_an_unknown_site_changes_nothing(system: StationSystem, sites: Sites) -> None:
    with fails_with("SITE_NOT_FOUND"):
        await system.create("CP1", site_id="nowhere")
    assert await system.count(models.station) == 0
    await system.create("CP1", site_id="bonn")
    for site_id in ("nowhere", "a\0b"):
        with fails_with("SITE_NOT_FOUND"):
            await _update(system, station_id="CP1", site_id=site_id, display_name="x")
    assert (await system.station("CP1")).display_name == ""
    with fails_with("INVALID_FIELD"):
        await _update(system, "labels", station_id="CP1", labels={"A B": "x"})
    del sites


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("site:berlin", ["CP1", "CP2"]),
        ("site:garage", ["CP2"]),
        ("NOT site:berlin", ["CP3", "CP4"]),
        ("labels.region:east", ["CP1", "CP2", "CP4"]),
        ("labels.region:west", ["CP3"]),
        ("labels.fleet:taxis OR site:bonn", ["CP2", "CP3"]),
        ("site:berlin AND labels.fleet:taxis", ["CP2"]),
        ('site:"x y"', []),
    ],
)
async def test_stations_are_found_by_subtree_and_label(
    system: StationSystem, sites: Sites, wanted: str, found: list[str]
) -> None:
    """A label of a site holds for all stations below; one of a station beside it."""
    del sites
    await system.create("CP1", site_id="berlin")
    await system.create("CP2", site_id="garage", labels={"fleet": "taxis"})
    await system.create("CP3", site_id="bonn")
    await system.create("CP4", labels={"region": "east"})
    assert await _found(system, wanted) == found


async def test_stations_follow_their_site(system: StationSystem, sites: Sites) -> None:
    """When it moves, and when labels or the time zone of a site above it change."""
    await system.create("CP1", site_id="garage")
    await sites.move("garage", "bonn")
    assert await _found(system, "site:berlin") == []
    assert await _found(system, "site:bonn AND labels.region:west") == ["CP1"]
    await sites.update("labels", site_id="bonn", labels={"region": "north"})
    await sites.update("time_zone", site_id="bonn", time_zone="Europe/Paris")
    assert await _found(system, "labels.region:west") == []
    assert await _found(system, "labels.region:north") == ["CP1"]
    query = sa.select(models.station_placement.c.path, models.station_placement.c.time_zone)
    row = await system.database.read(lambda connection: connection.execute(query).one())
    assert tuple(row) == ("/bonn/garage/", "Europe/Paris")


async def test_a_removed_station_leaves_an_empty_placement(system: StationSystem, sites: Sites) -> None:
    """A later station of the same name stands nowhere."""
    await system.create("CP1", site_id="garage", labels={"fleet": "taxis"})
    await system.stations.DeleteStation(DeleteStationRequest(station_id="CP1"))
    assert await system.count(models.station_group) == 0
    assert await system.count(models.placement_history) == 0
    await sites.delete("garage")
    await system.create("CP1")
    assert (await system.station("CP1")).site_id == ""
    assert await _placements(sites, "CP1") == []


async def test_an_imported_line_has_site_and_labels(system: StationSystem, sites: Sites) -> None:
    del sites
    lines = (
        "station_id,security_profile,site_id,labels",
        "CP1,0,garage,fleet=taxis region=x",
        "CP2,0,,",
        "CP3,0,nowhere,",
        "CP4,0,bonn,=x",
        "CP5,0,bonn,a=1 a=2",
    )
    for validate_only in (True, False):
        response = await _import(system, *lines, validate_only=validate_only)
        assert (response.added_count, response.refused_count) == (2, 3)
        assert [one.error.message.split(":")[0] for one in response.stations if one.HasField("error")] == [
            "there is no site 'nowhere'",
            "labels",
            "labels",
        ]
    station = await system.station("CP1")
    assert (station.site_id, dict(station.labels)) == ("garage", {"fleet": "taxis", "region": "x"})


class TestLimitedCallers:
    """An administrator of a subtree places stations within it, and nowhere else."""

    async def test_lists_its_stations_alone(self, system: StationSystem, sites: Sites) -> None:
        del sites
        await system.create("CP1", site_id="garage")
        await system.create("CP2", site_id="bonn")
        await system.create("CP3")
        assert await _found(system, "", limited_to("berlin")) == ["CP1"]
        assert await _found(system, "NOT site:berlin", limited_to("berlin")) == []
        assert await _found(system, 'station_id = "CP2" OR station_id = "CP1"', limited_to("berlin")) == ["CP1"]
        assert await _found(system, "", limited_to("none")) == []

    async def test_adds_stations_in_it(self, system: StationSystem, sites: Sites) -> None:
        del sites
        for site_id, reason in (("", "SCOPE_TOO_NARROW"), ("bonn", "SITE_NOT_FOUND")):
            with fails_with(reason):
                await system.stations.CreateStation(
                    CreateStationRequest(station_id="CP1", site_id=site_id), metadata=limited_to("berlin")
                )
        await system.stations.CreateStation(
            CreateStationRequest(station_id="CP1", site_id="garage"), metadata=limited_to("berlin")
        )
        assert await _found(system) == ["CP1"]
        lines = ("station_id,site_id", "CP2,garage", "CP3,", "CP4,bonn")
        response = await _import(system, *lines, metadata=limited_to("garage"))
        assert [one.station_id for one in response.stations if not one.HasField("error")] == ["CP2"]

    async def test_moves_stations_within_it(self, system: StationSystem, sites: Sites) -> None:
        del sites
        await system.create("CP1", site_id="garage")
        for site_id, reason in (("", "SCOPE_TOO_NARROW"), ("bonn", "SITE_NOT_FOUND")):
            with fails_with(reason):
                await _update(system, "site_id", station_id="CP1", site_id=site_id, metadata=limited_to("berlin"))
        station = await _update(system, "site_id", station_id="CP1", site_id="berlin", metadata=limited_to("berlin"))
        assert station.site_id == "berlin"


async def test_a_subtree_among_10000_stations_is_found_by_an_index(system: StationSystem) -> None:
    """10,000 stations in 100 sites: a page of one site's takes milliseconds, and the plan has no scan of all groups."""
    sites = Sites(system)
    await sites.add("all")
    for number in range(100):
        await sites.add(f"s{number}", "all")
    ids = [f"CP{number:05}" for number in range(10_000)]
    await _fill(system, ids)
    begin_s = time.perf_counter()
    assert await _found(system, "site:s7") == [one for one in ids if int(one[2:]) % 100 == 7][:50]
    assert await _found(system, "", limited_to("s7")) == [one for one in ids if int(one[2:]) % 100 == 7][:50]
    assert time.perf_counter() - begin_s < 2
    assert "index" in (plan := await _plan(system)).lower(), plan
    begin_s = time.perf_counter()
    await sites.move("s7")
    assert time.perf_counter() - begin_s < 5
    assert len(await _found(system, "site:all AND station_id < CP00100")) == 50


async def _fill(system: StationSystem, ids: list[str]) -> None:
    def work(connection: sa.Connection) -> None:
        row = {"tenant_id": "default", "create_us": 0, "update_us": 0}
        connection.execute(sa.insert(models.station), [{**row, "station_id": one} for one in ids])
        changes = [PlacementChange(station_id=one, site_id=f"s{int(one[2:]) % 100}") for one in ids]
        placement_store.place_stations(
            connection, changes, tenant_id="default", scope=WHOLE_TENANT, username="ann", now_us=system.clock()
        )
        if connection.dialect.name == "postgresql":
            connection.execute(sa.text("ANALYZE station_group"))
            connection.execute(sa.text("ANALYZE station"))

    await system.database.write(work)


async def _plan(system: StationSystem) -> str:
    scope = Scope(is_whole=False, site_ids=frozenset({"s7"}))
    condition = placement_store.conditions("default").in_scope(scope)
    assert condition is not None
    query = sa.select(models.station.c.station_id).where(models.station.c.tenant_id == "default", condition)

    def work(connection: sa.Connection) -> str:
        word = "EXPLAIN" if connection.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN"
        compiled = query.compile(connection.engine, compile_kwargs={"literal_binds": True})
        lines = [str(row) for row in connection.exec_driver_sql(f"{word} {compiled}")]
        of_groups = [line for line in lines if "station_group" in line]
        assert of_groups, lines
        assert not any(line.startswith("Seq Scan") or "SCAN station_group" in line for line in of_groups), lines
        return "\n".join(of_groups)

    return await system.database.read(work)

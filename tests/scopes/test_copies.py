"""Where stations stand, as the other services know it: some seconds behind, and closed where it is not known."""

from collections.abc import Sequence
from typing import Any

import grpc
import pytest
import sqlalchemy as sa
from csms.station.v1 import rollout_service_pb2, site_service_pb2, station_service_pb2
from csms.station.v1.placement_ingest_service_pb2 import PlacedStation, RecordPlacementsRequest
from csms.station.v1.placement_ingest_service_pb2_grpc import PlacementIngestServiceStub
from csms.station.v1.rollout_service_pb2_grpc import RolloutServiceStub
from csms.station.v1.site_service_pb2_grpc import SiteServiceStub
from csms.transaction.v1.transaction_service_pb2 import (
    ListQuarantinedItemsRequest,
    ListTransactionsRequest,
    ListUnmatchedEventsRequest,
)
from csms.transaction.v1.transaction_service_pb2_grpc import TransactionServiceStub

import station_svc.placement_publisher
from mesh.placements import store
from tests.scoped_callers import WHOLE, limited_to
from tests.scopes.rig import BERLIN, BONN, ScopedMesh
from transaction_svc.models import PLACEMENTS

IN_BERLIN = limited_to("berlin")


async def _places(scoped_mesh: ScopedMesh, *station_ids: str) -> dict[str, tuple[str, str, str]]:
    """Site, path and time zone of stations in the copy of transaction_svc."""
    found = await scoped_mesh.databases["transaction"].read(
        lambda connection: store.find_placements(connection, PLACEMENTS, "default", station_ids)
    )
    return {name: (placement.site_id, placement.path, placement.time_zone) for name, placement in found.items()}


async def _charging(scoped_mesh: ScopedMesh, metadata: Any = WHOLE, wanted: str = "") -> list[str]:
    """The stations of the transactions that a caller sees."""
    stub = TransactionServiceStub(scoped_mesh.channels["transaction"])
    response = await stub.ListTransactions(ListTransactionsRequest(filter=wanted), metadata=metadata)
    return [transaction.station_id for transaction in response.transactions]


async def test_a_copy_has_site_path_and_time_zone(scoped_mesh: ScopedMesh) -> None:
    assert await _places(scoped_mesh, BERLIN, BONN, "CP-NONE") == {
        BERLIN: ("garage", "/berlin/garage/", "Europe/Berlin"),
        BONN: ("bonn", "/bonn/", "UTC"),
    }


async def test_a_station_whose_place_is_not_known_is_in_no_scope(scoped_mesh: ScopedMesh) -> None:
    """Until it is published; the whole tenant sees it at once."""
    await scoped_mesh.add_station("CP-NEW", "garage")
    await scoped_mesh.charge("CP-NEW")
    assert await _charging(scoped_mesh, IN_BERLIN) == [BERLIN]
    assert "CP-NEW" in await _charging(scoped_mesh)
    await scoped_mesh.publisher.publish()
    assert sorted(await _charging(scoped_mesh, IN_BERLIN)) == [BERLIN, "CP-NEW"]


async def test_a_station_that_was_removed_is_in_no_scope(scoped_mesh: ScopedMesh) -> None:
    request = station_service_pb2.DeleteStationRequest(station_id=BERLIN)
    await scoped_mesh.stations.DeleteStation(request, metadata=WHOLE)
    await scoped_mesh.publisher.publish()
    assert await _charging(scoped_mesh, IN_BERLIN) == []
    assert BERLIN in await _charging(scoped_mesh)


async def test_a_moved_subtree_takes_its_stations_along(scoped_mesh: ScopedMesh) -> None:
    request = site_service_pb2.MoveSiteRequest(site_id="garage", parent_site_id="bonn")
    await SiteServiceStub(scoped_mesh.channels["station"]).MoveSite(request, metadata=WHOLE)
    await scoped_mesh.publisher.publish()
    assert await _charging(scoped_mesh, IN_BERLIN) == []
    assert sorted(await _charging(scoped_mesh, limited_to("bonn"))) == [BERLIN, BONN]
    assert (await _places(scoped_mesh, BERLIN))[BERLIN] == ("garage", "/bonn/garage/", "Europe/Berlin")


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("site:berlin", [BERLIN]),
        ("NOT site:berlin", [BONN]),
        ("labels.region:west", [BONN]),
        ("labels.fleet:taxis AND site:berlin", []),
    ],
)
async def test_lists_of_transactions_are_limited_by_subtree_and_label(
    scoped_mesh: ScopedMesh, wanted: str, found: Sequence[str]
) -> None:
    stub = TransactionServiceStub(scoped_mesh.channels["transaction"])
    assert await _charging(scoped_mesh, WHOLE, wanted) == found
    items = await stub.ListQuarantinedItems(ListQuarantinedItemsRequest(filter=wanted), metadata=WHOLE)
    assert [item.station_id for item in items.items] == found
    unmatched = await stub.ListUnmatchedEvents(ListUnmatchedEventsRequest(filter=wanted), metadata=WHOLE)
    assert [event.station_id for event in unmatched.unmatched_events] == found


async def test_many_changes_come_in_several_batches(scoped_mesh: ScopedMesh, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(station_svc.placement_publisher, "BATCH", 3)
    names = [f"CP-{number}" for number in range(8)]
    for name in names:
        await scoped_mesh.add_station(name, "garage")
    await scoped_mesh.publisher.publish()
    assert len(await _places(scoped_mesh, *names)) == len(names)


async def test_changes_that_do_not_follow_are_not_recorded(scoped_mesh: ScopedMesh) -> None:
    """A second replica of station_svc that is behind, or a repeated batch, changes nothing."""
    stub = PlacementIngestServiceStub(scoped_mesh.mesh_channels["transaction"])
    version = (await stub.RecordPlacements(RecordPlacementsRequest())).version
    stale = PlacedStation(tenant_id="default", station_id=BERLIN, site_id="bonn", path="/bonn/", version=1)
    response = await stub.RecordPlacements(RecordPlacementsRequest(after_version=version - 1, placements=[stale]))
    assert response.version == version
    assert (await _places(scoped_mesh, BERLIN))[BERLIN][0] == "garage"


async def test_a_copy_whose_database_was_restored_is_brought_up_to_date(scoped_mesh: ScopedMesh) -> None:
    """It is asked for its version from time to time, though nothing changes."""

    def lose(connection: sa.Connection) -> None:
        connection.execute(sa.delete(PLACEMENTS.placement))
        connection.execute(sa.delete(PLACEMENTS.group))

    await scoped_mesh.databases["transaction"].write(lose)
    assert await _charging(scoped_mesh, IN_BERLIN) == []
    for _turn in range(station_svc.placement_publisher.ASK_EVERY):
        await scoped_mesh.publisher.publish()
    assert await _charging(scoped_mesh, IN_BERLIN) == [BERLIN]


async def test_a_copy_that_is_ahead_begins_anew(scoped_mesh: ScopedMesh) -> None:
    """The database of station_svc was restored: versions begin again below those of the copy."""
    stub = PlacementIngestServiceStub(scoped_mesh.mesh_channels["transaction"])
    version = (await stub.RecordPlacements(RecordPlacementsRequest())).version
    future = PlacedStation(
        tenant_id="default", station_id="CP-LOST", site_id="berlin", path="/berlin/", version=version + 1000
    )
    await stub.RecordPlacements(RecordPlacementsRequest(after_version=version, placements=[future]))
    for _turn in range(station_svc.placement_publisher.ASK_EVERY):
        await scoped_mesh.publisher.publish()
    assert set(await _places(scoped_mesh, BERLIN, BONN, "CP-LOST")) == {BERLIN, BONN}
    assert await _charging(scoped_mesh, IN_BERLIN) == [BERLIN]


class TestRollouts:
    """A rollout reaches stations of its creator's scope, and is seen by those who may see all of its stations."""

    async def _list(self, scoped_mesh: ScopedMesh, metadata: Any, wanted: str = "") -> list[str]:
        stub = RolloutServiceStub(scoped_mesh.channels["station"])
        request = rollout_service_pb2.ListRolloutsRequest(filter=wanted)
        response = await stub.ListRollouts(request, metadata=metadata)
        return sorted(rollout.display_name for rollout in response.rollouts)

    async def test_reaches_the_scope_alone(self, scoped_mesh: ScopedMesh) -> None:
        rollout_id = await scoped_mesh.roll_out('station_id != ""', IN_BERLIN)
        stub = RolloutServiceStub(scoped_mesh.channels["station"])
        request = rollout_service_pb2.ListRolloutTargetsRequest(rollout_id=rollout_id)
        targets = (await stub.ListRolloutTargets(request, metadata=WHOLE)).targets
        assert [target.station_id for target in targets] == [BERLIN]

    async def test_is_seen_where_all_of_its_stations_are(self, scoped_mesh: ScopedMesh) -> None:
        await scoped_mesh.roll_out("site:garage", display_name="a")
        await scoped_mesh.roll_out("labels.fleet:taxis", display_name="b")
        await scoped_mesh.roll_out('station_id != ""', display_name="c")
        assert await self._list(scoped_mesh, WHOLE) == ["a", "b", "c"]
        assert await self._list(scoped_mesh, IN_BERLIN) == ["a"]
        assert await self._list(scoped_mesh, limited_to("bonn")) == ["b"]
        assert await self._list(scoped_mesh, limited_to("berlin", "bonn")) == ["a", "b", "c"]
        assert await self._list(scoped_mesh, WHOLE, "site:berlin") == ["a", "c"]
        assert await self._list(scoped_mesh, WHOLE, "labels.fleet:taxis") == ["b", "c"]
        assert await self._list(scoped_mesh, limited_to("none")) == []

    async def test_a_request_id_of_another_scope_is_taken(self, scoped_mesh: ScopedMesh) -> None:
        """The same request finds the earlier rollout only where the caller may see it."""
        first = await scoped_mesh.roll_out("site:bonn", request_id="r1")
        assert await scoped_mesh.roll_out("site:bonn", limited_to("bonn"), request_id="r1") == first
        with pytest.raises(grpc.aio.AioRpcError, match="different rollout"):
            await scoped_mesh.roll_out("site:bonn", IN_BERLIN, request_id="r1")

"""transaction_svc is notified of removed stations: durably, and not while the operator waits."""

from collections.abc import AsyncIterator

import grpc
import pytest
from csms.station.v1.station_service_pb2 import DeleteStationRequest
from csms.transaction.v1 import transaction_ingest_service_pb2 as pb
from csms.transaction.v1.transaction_ingest_service_pb2_grpc import (
    TransactionIngestServiceServicer,
    add_TransactionIngestServiceServicer_to_server,
)

from mesh.contract.services import MESH_SERVICES
from mesh.grpc.servers import mesh_server
from mesh.grpc.types import Context
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError, invalid_field
from mesh.runtime.times import to_timestamp
from station_svc.api.removals import MOST_ATTEMPTS
from station_svc.jobs.models import job
from tests.conftest import FakeClock
from tests.mesh_identities import identity_of
from tests.station_svc.conftest import StartSystem, StationSystem


class FarTransactions(TransactionIngestServiceServicer):
    """The transaction_svc at the other end, as far as removals need it."""

    RecordTransactionEvents = RecordMeterValues = None  # type: ignore[assignment]
    RecordAuthorizations = CountOpenTransactions = FindEvseTransactions = None  # type: ignore[assignment]

    def __init__(self) -> None:
        self.items: list[pb.StationEventItem] = []
        self.unavailable = False
        self.refusal: MeshError | None = None
        self.asked = 0
        self.address = ""

    async def NotifyStationEvents(
        self, request: pb.NotifyStationEventsRequest, context: Context
    ) -> pb.NotifyStationEventsResponse:
        """Writes them down."""
        del context
        self.asked += 1
        if self.unavailable:
            raise MeshError(grpc.StatusCode.UNAVAILABLE, Reason.DATABASE_UNAVAILABLE, "not now")
        if self.refusal is not None:
            return pb.NotifyStationEventsResponse(results=[pb.StationEventResult(error=self.refusal.to_status())])
        self.items += request.items
        return pb.NotifyStationEventsResponse(results=[pb.StationEventResult()] * len(request.items))


@pytest.fixture
async def far() -> AsyncIterator[FarTransactions]:
    """Serves one."""
    servicer = FarTransactions()  # type: ignore[abstract]  # its other method is not called here
    server = mesh_server("127.0.0.1:0", identity=identity_of("transaction"), services=MESH_SERVICES["transaction"])
    add_TransactionIngestServiceServicer_to_server(servicer, server.server)
    await server.start()
    servicer.address = f"127.0.0.1:{server.port}"
    yield servicer
    await server.stop(0)


async def removed(system: StationSystem) -> int:
    """Removes a station that is connected; the epoch of its last connection."""
    await system.lease()
    await system.create("CP1", security_profile=0)
    epoch = await system.open("CP1")
    await system.stations.DeleteStation(DeleteStationRequest(station_id="CP1"))
    return epoch


async def test_it_is_notified_twice(start_system: StartSystem, clock: FakeClock, far: FarTransactions) -> None:
    """At once, and a minute later, when nothing of the last connection can be under way any more."""
    system = await start_system(transaction_address=far.address)
    epoch, removal_us = await removed(system), clock()
    assert far.asked == 0, "the operator does not wait for it"
    assert await system.jobs.run_due() == 1
    [item] = far.items
    assert item.WhichOneof("event") == "removal"
    assert (item.origin.tenant_id, item.origin.station_id, item.origin.epoch) == ("default", "CP1", epoch)
    assert item.origin.receive_time == to_timestamp(removal_us)
    assert await system.jobs.run_due() == 0
    clock.advance(61)
    assert await system.jobs.run_due() == 1
    assert far.items == [item, item]
    clock.advance(3600)
    assert await system.jobs.run_due() == 0


async def test_it_is_notified_once_it_is_back(
    start_system: StartSystem, clock: FakeClock, far: FarTransactions
) -> None:
    """However long that takes, also where the station was added anew meanwhile."""
    system = await start_system(transaction_address=far.address)
    epoch = await removed(system)
    far.unavailable = True
    for _ in range(MOST_ATTEMPTS + 2):
        assert await system.jobs.run_due() == 1
        clock.advance(61)
    await system.create("CP1", security_profile=0)
    far.unavailable = False
    assert await system.jobs.run_due() == 1
    assert [item.origin.epoch for item in far.items] == [epoch]


async def test_a_refused_removal_is_given_up(start_system: StartSystem, clock: FakeClock, far: FarTransactions) -> None:
    """It would be refused for ever."""
    system = await start_system(transaction_address=far.address)
    await removed(system)
    far.refusal = invalid_field("origin", "needs tenant_id and station_id")
    for _ in range(MOST_ATTEMPTS):
        await system.jobs.run_due()
        clock.advance(600)
    assert await system.jobs.run_due() == 0
    assert 0 < far.asked <= MOST_ATTEMPTS


async def test_without_an_address_nothing_is_queued(system: StationSystem) -> None:
    """A deployment without CSMS_TRANSACTION_ADDRESS."""
    await removed(system)
    assert await system.count(job) == 0

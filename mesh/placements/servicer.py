"""PlacementIngestService: a service's copy of where stations stand. station_svc publishes to it."""

from functools import partial

from csms.station.v1 import placement_ingest_service_pb2 as pb
from csms.station.v1.placement_ingest_service_pb2_grpc import PlacementIngestServiceServicer

from mesh.database.engine import Database
from mesh.grpc.types import Context
from mesh.placements import store
from mesh.placements.store import Placement
from mesh.placements.tables import PlacementTables


class PlacementIngestServicer(PlacementIngestServiceServicer):
    """Serves station_svc."""

    def __init__(self, *, database: Database, tables: PlacementTables) -> None:
        self._database = database
        self._tables = tables

    async def RecordPlacements(
        self, request: pb.RecordPlacementsRequest, context: Context
    ) -> pb.RecordPlacementsResponse:
        """Records changes of placements."""
        del context
        record = partial(
            store.record,
            tables=self._tables,
            placements=[_to_placement(placement) for placement in request.placements],
            after_version=request.after_version,
            reset=request.reset,
        )
        return pb.RecordPlacementsResponse(version=await self._database.write(record))


def _to_placement(message: pb.PlacedStation) -> Placement:
    return Placement(
        tenant_id=message.tenant_id,
        station_id=message.station_id,
        site_id=message.site_id,
        path=message.path,
        time_zone=message.time_zone,
        version=message.version,
        labels=[(label.key, label.value) for label in message.labels],
    )

"""PlaceIngestService: a service's copy of where stations stand. station_svc publishes to it."""

from functools import partial

from csms.station.v1 import place_ingest_service_pb2 as pb
from csms.station.v1.place_ingest_service_pb2_grpc import PlaceIngestServiceServicer

from mesh.database.engine import Database
from mesh.grpc.types import Context
from mesh.places import store
from mesh.places.store import Place
from mesh.places.tables import PlaceTables


class PlaceIngestServicer(PlaceIngestServiceServicer):
    """Serves station_svc."""

    def __init__(self, *, database: Database, tables: PlaceTables) -> None:
        self._database = database
        self._tables = tables

    async def RecordPlaces(self, request: pb.RecordPlacesRequest, context: Context) -> pb.RecordPlacesResponse:
        """Records changes of places."""
        del context
        record = partial(
            store.record,
            tables=self._tables,
            places=[_to_place(place) for place in request.places],
            after_version=request.after_version,
            reset=request.reset,
        )
        return pb.RecordPlacesResponse(version=await self._database.write(record))


def _to_place(message: pb.StationPlace) -> Place:
    return Place(
        tenant_id=message.tenant_id,
        station_id=message.station_id,
        site_id=message.site_id,
        path=message.path,
        time_zone=message.time_zone,
        version=message.version,
        labels=[(label.key, label.value) for label in message.labels],
    )

"""Whether the scope of a caller covers a station, by the places that a service has."""

from mesh.contract.texts import is_storable
from mesh.database.engine import Database
from mesh.identity.callers import Scope
from mesh.places import store
from mesh.places.tables import PlaceTables


class PlaceScopes:
    """The StationScopes of a service (mesh/grpc/station_scopes.py)."""

    def __init__(self, *, database: Database, tables: PlaceTables) -> None:
        self._database = database
        self._tables = tables

    async def contains(self, tenant_id: str, station_id: str, scope: Scope) -> bool:
        """Whether a scope covers a station; False for one that does not exist, or whose place is not known."""
        if scope.is_whole:
            return True
        if not is_storable(station_id):
            return False
        path = await self._database.read(
            lambda connection: store.find_path(connection, self._tables, tenant_id, station_id)
        )
        return not scope.site_ids.isdisjoint(store.sites_of(path))

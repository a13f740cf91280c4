"""Whether the scope of a caller covers a station, by the placements that a service has."""

from mesh.contract.texts import is_storable
from mesh.database.engine import Database
from mesh.identity.callers import Scope
from mesh.placements import store
from mesh.placements.tables import PlacementTables


class PlacementScopes:
    """The StationScopes of a service (mesh/grpc/station_scopes.py)."""

    def __init__(self, *, database: Database, tables: PlacementTables) -> None:
        self._database = database
        self._tables = tables

    async def contains(self, tenant_id: str, station_id: str, scope: Scope) -> bool:
        """Whether a scope covers a station; False for one that does not exist, or whose placement is not known."""
        if scope.is_whole:
            return True
        if not is_storable(station_id):
            return False
        path = await self._database.read(
            lambda connection: store.find_path(connection, self._tables, tenant_id, station_id)
        )
        return not scope.site_ids.isdisjoint(store.sites_of(path))

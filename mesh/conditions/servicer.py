"""ConditionSourceService: a service's own conditions, for notification_svc, which gathers them."""

from functools import partial

from csms.condition.v1 import condition_source_service_pb2 as pb
from csms.condition.v1.condition_source_service_pb2_grpc import ConditionSourceServiceServicer

from mesh.conditions.names import ConditionName, Position
from mesh.conditions.queries import ConditionQueries, Search
from mesh.contract.texts import is_storable
from mesh.database.engine import Database
from mesh.grpc.types import Context
from mesh.identity.callers import WHOLE_TENANT, Scope
from mesh.runtime.errors import invalid_field
from mesh.runtime.times import Clock

MOST_LIMIT = 1000
MOST_NAMES = 500


class ConditionSourceServicer(ConditionSourceServiceServicer):
    """Serves notification_svc."""

    def __init__(self, *, database: Database, clock: Clock, queries: ConditionQueries) -> None:
        self._database = database
        self._clock = clock
        self._queries = queries

    async def FindConditions(self, request: pb.FindConditionsRequest, context: Context) -> pb.FindConditionsResponse:
        """Finds conditions."""
        del context
        if not 1 <= request.limit <= MOST_LIMIT:
            raise invalid_field("limit", f"1 to {MOST_LIMIT} are needed")
        after = _to_position(request.after) if request.HasField("after") else None
        search = self._search(request.search, after=after, limit=request.limit)
        found = await self._database.read(partial(self._queries.find, search=search))
        return pb.FindConditionsResponse(conditions=found)

    async def CountFoundConditions(
        self, request: pb.CountFoundConditionsRequest, context: Context
    ) -> pb.CountFoundConditionsResponse:
        """Counts conditions."""
        del context
        counts = await self._database.read(partial(self._queries.count, search=self._search(request.search)))
        response = pb.CountFoundConditionsResponse()
        for kind, count in counts.items():
            response.counts.add(kind=kind, count=count)
        return response

    def _search(self, request: pb.ConditionSearch, *, after: Position | None = None, limit: int = 0) -> Search:
        if not request.tenant_id or not is_storable(request.tenant_id + request.station_id):
            raise invalid_field("search", "a tenant is needed, and no text has a NUL")
        if len(request.condition_ids) > MOST_NAMES:
            raise invalid_field("search.condition_ids", f"at most {MOST_NAMES} are taken")
        names = [name for name in map(ConditionName.decode, request.condition_ids) if name is not None]
        return Search(
            tenant_id=request.tenant_id,
            now_us=self._clock(),
            kinds={searched.kind: _to_scope(searched) for searched in request.kinds},
            station_id=request.station_id,
            filter=request.filter,
            names=names if request.condition_ids else None,
            after=after,
            limit=limit,
        )


def _to_scope(searched: pb.SearchedKind) -> Scope:
    return WHOLE_TENANT if searched.whole_tenant else Scope(is_whole=False, site_ids=frozenset(searched.site_ids))


def _to_position(request: pb.ConditionPosition) -> Position:
    """Raises MeshError INVALID_FIELD."""
    name = ConditionName.decode(request.condition_id)
    if name is None:
        raise invalid_field("after.condition_id", "is no name of a condition")
    return Position(-request.severity, request.begin_us, name)

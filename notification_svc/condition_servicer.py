"""ConditionService: all that needs a person, gathered from the services, with what was acknowledged."""

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import grpc
import sqlalchemy as sa
from csms.condition.v1 import condition_service_pb2 as pb
from csms.condition.v1.condition_pb2 import Acknowledgement, Condition, ConditionKind
from csms.condition.v1.condition_service_pb2_grpc import ConditionServiceServicer
from csms.condition.v1.condition_source_service_pb2 import ConditionSearch, SearchedKind
from google.protobuf.struct_pb2 import Struct
from sqlalchemy import Connection

from mesh.conditions.kinds import KINDS
from mesh.conditions.names import ConditionName, Position, in_order, position_of
from mesh.conditions.queries import search_fields
from mesh.contract.requests import check_text
from mesh.database.engine import Database
from mesh.database.filters import to_condition
from mesh.database.pages import decode_token, encode_token, page_size
from mesh.grpc.types import Context
from mesh.identity.acting import current_actor
from mesh.identity.callers import Caller, current_caller, current_scope
from mesh.placements.scopes import PlacementScopes
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError, unavailable
from mesh.runtime.times import Clock, to_timestamp
from notification_svc import condition_store, store
from notification_svc.condition_sources import ConditionSources, Gathered
from notification_svc.condition_store import Acknowledged
from notification_svc.ingest_servicer import Announce
from notification_svc.models import PLACEMENTS

MOST_COMMENT = 500
_MOST_PAGE = 500
# Conditions that are looked at in one call of each service, and calls for one page, where most are left out.
_MOST_AT_ONCE = 500
_MOST_TURNS = 6
_MOST_COUNTED = 1000
_TOKEN = (int, int, int, str, str, int, int)


class ConditionServicer(ConditionServiceServicer):
    """ConditionService. A condition that the caller may not see does not exist for it."""

    def __init__(
        self, *, database: Database, sources: ConditionSources, clock: Clock, announce: Sequence[Announce] = ()
    ) -> None:
        self._database = database
        self._sources = sources
        self._clock = clock
        self._announce = announce
        self._scopes = PlacementScopes(database=database, tables=PLACEMENTS)

    async def ListConditions(self, request: pb.ListConditionsRequest, context: Context) -> pb.ListConditionsResponse:
        """Lists conditions, the worst first."""
        del context
        search = _search(request)
        size = page_size(request.page_size, most=_MOST_PAGE)
        binding = _binding(request)
        token = decode_token(request.page_token, _TOKEN, binding=binding)
        after = None if token is None else Position(token[0], token[1], ConditionName(*token[2:]))
        wanted = request.acknowledged if request.HasField("acknowledged") else None
        found: list[Condition] = []
        missing: Mapping[str, pb.UnavailableSource] = {}
        for _turn in range(_MOST_TURNS):
            scanned, more, gathered = await self._scan(search, after, size + 1)
            missing = {**missing, **{one.source: one for one in gathered.unavailable}}
            found += await self._fitting(search, scanned, acknowledged=wanted)
            after = position_of(scanned[-1]) if scanned else None
            if len(found) > size or not more:
                break
        if len(found) > size:
            after, more = position_of(found[size - 1]), True
        return pb.ListConditionsResponse(
            conditions=found[:size],
            next_page_token=_to_token(after, binding) if more and after is not None else "",
            unavailable_sources=missing.values(),
        )

    async def CountConditions(self, request: pb.CountConditionsRequest, context: Context) -> pb.CountConditionsResponse:
        """Counts conditions by kind."""
        del context
        search = _search(request)
        gathered = await self._sources.count(search)
        counts = {kind: count for answer in gathered.answers.values() for kind, count in answer.items()}
        if search.filter:
            counts |= await self._count_here(search)
        acknowledged = await self._count_acknowledged(search)
        response = pb.CountConditionsResponse(unavailable_sources=gathered.unavailable)
        for kind in sorted(counts, key=lambda kind: (-KINDS[kind].severity, kind)):
            response.counts.add(
                kind=kind,
                severity=KINDS[kind].severity,
                count=counts[kind],
                unacknowledged_count=max(counts[kind] - acknowledged.get(kind, 0), 0),
            )
        return response

    async def AcknowledgeCondition(
        self, request: pb.AcknowledgeConditionRequest, context: Context
    ) -> pb.AcknowledgeConditionResponse:
        """Notes that the caller has taken note of a condition."""
        del context
        check_text("comment", request.comment, most=MOST_COMMENT)
        caller = current_caller()
        found = await self._find(caller, request.condition_id)
        made = Acknowledged(
            tenant_id=caller.tenant_id,
            condition_id=found.condition_id,
            station_id=found.station_id,
            begin_us=found.begin_time.ToMicroseconds(),
            acknowledge_us=self._clock(),
            actor=caller.subject,
            comment=request.comment,
        )
        await self._change(found, "condition.acknowledged", made)
        found.acknowledgement.CopyFrom(_to_acknowledgement(made))
        return pb.AcknowledgeConditionResponse(condition=found)

    async def UnacknowledgeCondition(
        self, request: pb.UnacknowledgeConditionRequest, context: Context
    ) -> pb.UnacknowledgeConditionResponse:
        """Takes an acknowledgement back."""
        del context
        found = await self._find(current_caller(), request.condition_id)
        await self._change(found, "condition.unacknowledged", None)
        return pb.UnacknowledgeConditionResponse(condition=found)

    async def _scan(
        self, search: ConditionSearch, after: Position | None, wanted: int
    ) -> tuple[Sequence[Condition], bool, Gathered]:
        """The next conditions of all services in order, and whether there are more.

        Each service has answered with its next ones. Those beyond `limit` of all together are left for the next turn,
        since a service with as many answers may have others before them.
        """
        limit = min(max(wanted, 100), _MOST_AT_ONCE + 1)
        gathered = await self._sources.find(search, after=after, limit=limit)
        found = in_order([condition for answer in gathered.answers.values() for condition in answer])
        more = len(found) > limit or any(len(answer) >= limit for answer in gathered.answers.values())
        return found[:limit], more, gathered

    async def _fitting(
        self, search: ConditionSearch, conditions: Sequence[Condition], *, acknowledged: bool | None
    ) -> list[Condition]:
        """The conditions that the filter names, with their acknowledgements."""
        fitting = await self._placed(search, conditions)
        if not fitting:
            return []
        ids = [condition.condition_id for condition in fitting]
        reading = partial(condition_store.find, tenant_id=search.tenant_id, condition_ids=ids)
        known = await self._database.read(reading)
        for condition in fitting:
            made = known.get(condition.condition_id)
            if made is not None and made.holds(condition.begin_time.ToMicroseconds()):
                condition.acknowledgement.CopyFrom(_to_acknowledgement(made))
        return [
            condition
            for condition in fitting
            if acknowledged is None or condition.HasField("acknowledgement") is acknowledged
        ]

    async def _placed(self, search: ConditionSearch, conditions: Sequence[Condition]) -> Sequence[Condition]:
        """The conditions at stations that the filter names; a service without the places of stations ignores it."""
        stations = {condition.station_id for condition in conditions if _is_filtered_here(condition.kind)}
        if not search.filter or not stations:
            return conditions
        reading = partial(
            condition_store.stations_that_fit, tenant_id=search.tenant_id, text=search.filter, station_ids=stations
        )
        fitting = await self._database.read(reading)
        return [one for one in conditions if not _is_filtered_here(one.kind) or one.station_id in fitting]

    async def _count_here(self, search: ConditionSearch) -> dict[ConditionKind.ValueType, int]:
        """The numbers of the kinds that are filtered here, _MOST_COUNTED of all together at most."""
        part = ConditionSearch()
        part.CopyFrom(search)
        del part.kinds[:]
        part.kinds.extend(searched for searched in search.kinds if _is_filtered_here(searched.kind))
        if not part.kinds:
            return {}
        gathered = await self._sources.find(part, after=None, limit=_MOST_COUNTED)
        found = [condition for answer in gathered.answers.values() for condition in answer]
        counts = {searched.kind: 0 for searched in part.kinds} if not gathered.unavailable else {}
        for condition in await self._placed(part, found):
            counts[condition.kind] += 1
        return counts

    async def _count_acknowledged(self, search: ConditionSearch) -> dict[ConditionKind.ValueType, int]:
        """The numbers of conditions that last and are acknowledged: those with an acknowledgement are looked up."""
        kinds = {searched.kind for searched in search.kinds}
        ids = await self._database.read(partial(condition_store.list_ids, tenant_id=search.tenant_id))
        named = [name for text in ids if (name := ConditionName.decode(text)) is not None and name.kind in kinds]
        counts: dict[ConditionKind.ValueType, int] = {}
        for chunk in _chunks([name.encode() for name in named]):
            part = ConditionSearch()
            part.CopyFrom(search)
            part.condition_ids.extend(chunk)
            gathered = await self._sources.find(part, after=None, limit=_MOST_AT_ONCE)
            found = [condition for answer in gathered.answers.values() for condition in answer]
            for condition in await self._fitting(part, found, acknowledged=True):
                counts[condition.kind] = counts.get(condition.kind, 0) + 1
        return counts

    async def _find(self, caller: Caller, condition_id: str) -> Condition:
        """A condition that lasts. Raises MeshError CONDITION_NOT_FOUND, CONDITION_SOURCE_UNAVAILABLE."""
        name = ConditionName.decode(condition_id)
        kinds = [searched for searched in _kinds_of(caller) if name is not None and searched.kind == name.kind]
        if name is None or not kinds:
            raise _not_found(condition_id)
        search = ConditionSearch(tenant_id=caller.tenant_id, kinds=kinds, condition_ids=[name.encode()])
        gathered = await self._sources.find(search, after=None, limit=1)
        if gathered.unavailable:
            raise unavailable(Reason.CONDITION_SOURCE_UNAVAILABLE, gathered.unavailable[0].message)
        found: list[Condition] = [condition for answer in gathered.answers.values() for condition in answer]
        for condition in found:
            if await self._scopes.contains(caller.tenant_id, condition.station_id, current_scope()):
                return condition
        raise _not_found(condition_id)

    async def _change(self, condition: Condition, event_type: str, made: Acknowledged | None) -> None:
        """Adds an acknowledgement, or removes it, with its event."""
        change = partial(_change, condition=condition, made=made, event=self._event(condition, event_type, made))
        heads = await self._database.write(partial(change, tenant_id=current_caller().tenant_id, now_us=self._clock()))
        if heads:
            for announce in self._announce:
                announce(heads)

    def _event(self, condition: Condition, event_type: str, made: Acknowledged | None) -> store.NewEvent:
        now_us, actor = self._clock(), current_actor()
        data = Struct()
        data.update({"kind": ConditionKind.Name(condition.kind)})
        if condition.id_token:  # its id has the token, where the erasure of a driver would not find it
            data.update({"idToken": {"idToken": condition.id_token}})
        else:
            data.update({"conditionId": condition.condition_id})
        if made is not None and made.comment:
            data.update({"comment": made.comment})
        return store.NewEvent(
            tenant_id=current_caller().tenant_id,
            event_id=f"{event_type}/{hashlib.sha256(condition.condition_id.encode()).hexdigest()}/{now_us}",
            type=event_type,
            source="notification",
            station_id=condition.station_id,
            event_time_us=now_us,
            data=data.SerializeToString(),
            actor="" if actor is None else actor.label,
        )


def _change(
    connection: Connection,
    *,
    tenant_id: str,
    condition: Condition,
    made: Acknowledged | None,
    event: store.NewEvent,
    now_us: int,
) -> Mapping[str, int]:
    if made is not None:
        condition_store.add(connection, made)
    elif not condition_store.remove(connection, tenant_id, condition.condition_id):
        return {}
    return store.add(connection, [event], now_us=now_us)


def _search(request: pb.ListConditionsRequest | pb.CountConditionsRequest) -> ConditionSearch:
    """The conditions that a request asks for and the caller may see. Raises MeshError INVALID_FIELD, INVALID_FILTER."""
    caller = current_caller()
    check_text("station_id", request.station_id, most=MOST_COMMENT)
    column: Any = sa.column("station_id", sa.Text)
    to_condition(request.filter, search_fields(PLACEMENTS, caller.tenant_id, column))
    kinds = [
        searched
        for searched in _kinds_of(caller)
        if _is_among(searched.kind, request.kinds) and _is_among(KINDS[searched.kind].severity, request.severities)
    ]
    return ConditionSearch(
        tenant_id=caller.tenant_id, kinds=kinds, station_id=request.station_id, filter=request.filter
    )


def _kinds_of(caller: Caller) -> Iterator[SearchedKind]:
    """The kinds that a caller may see, each with the part of the tenant that its permission covers."""
    for kind, rule in sorted(KINDS.items()):
        scope = caller.scope(rule.permission)
        if scope is not None and (scope.is_whole or not rule.of_tenant):
            yield SearchedKind(kind=kind, whole_tenant=scope.is_whole, site_ids=sorted(scope.site_ids))


def _is_among(value: int, wanted: Collection[int]) -> bool:
    return not wanted or value in wanted


def _is_filtered_here(kind: ConditionKind.ValueType) -> bool:
    """Whether the service that finds conditions of a kind does not know where stations stand."""
    return KINDS[kind].source == "auth"


def _binding(request: pb.ListConditionsRequest) -> str:
    """All of a request but its page."""
    rest = pb.ListConditionsRequest()
    rest.CopyFrom(request)
    rest.ClearField("page_size")
    rest.ClearField("page_token")
    return rest.SerializeToString(deterministic=True).hex()


def _to_token(after: Position, binding: str) -> str:
    return encode_token((after.rank, after.begin_us, *after.name), binding=binding)


def _chunks(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for at in range(0, len(ids), _MOST_AT_ONCE):
        yield ids[at : at + _MOST_AT_ONCE]


def _to_acknowledgement(made: Acknowledged) -> Acknowledgement:
    return Acknowledgement(actor=made.actor, acknowledge_time=to_timestamp(made.acknowledge_us), comment=made.comment)


def _not_found(condition_id: str) -> MeshError:
    return MeshError(
        grpc.StatusCode.NOT_FOUND,
        Reason.CONDITION_NOT_FOUND,
        f"there is no condition {condition_id!r}, or it has ended",
    )

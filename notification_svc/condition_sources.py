"""The conditions of all services, found by a call of each: one that does not answer is named, and fails no other."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import grpc
from csms.condition.v1 import condition_source_service_pb2 as mesh_pb
from csms.condition.v1.condition_pb2 import Condition, ConditionKind
from csms.condition.v1.condition_service_pb2 import UnavailableSource
from csms.condition.v1.condition_source_service_pb2_grpc import ConditionSourceServiceStub

from mesh.conditions.kinds import KINDS
from mesh.conditions.names import Position
from mesh.runtime.errors import MeshError, from_rpc_error
from mesh.runtime.logs import get_logger

log = get_logger(__name__)

TIMEOUT_S = 3.0
"""For the answer of one service. The front door waits longer."""

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Gathered:
    """The answers of the services, and those that did not answer."""

    answers: Mapping[str, Any] = field(default_factory=dict)
    unavailable: Sequence[UnavailableSource] = ()


class ConditionSources:
    """Calls the services whose conditions are asked for, at the same time. `channels` are those that are configured."""

    def __init__(self, *, channels: Mapping[str, grpc.aio.Channel], timeout_s: float = TIMEOUT_S) -> None:
        self._stubs = {source: ConditionSourceServiceStub(channel) for source, channel in channels.items()}
        self._timeout_s = timeout_s

    async def find(self, search: mesh_pb.ConditionSearch, *, after: Position | None, limit: int) -> Gathered:
        """Up to `limit` conditions of each service, `Sequence[Condition]`, after a position."""
        request = mesh_pb.FindConditionsRequest(limit=limit)
        if after is not None:
            request.after.CopyFrom(_to_position(after))

        async def call(stub: Any, part: mesh_pb.ConditionSearch) -> Sequence[Condition]:
            own = mesh_pb.FindConditionsRequest()
            own.CopyFrom(request)
            own.search.CopyFrom(part)
            return list((await stub.FindConditions(own, timeout=self._timeout_s)).conditions)

        return await self._gather(search, call)

    async def count(self, search: mesh_pb.ConditionSearch) -> Gathered:
        """The number of conditions of each kind, `Mapping[kind, int]`."""

        async def call(stub: Any, part: mesh_pb.ConditionSearch) -> Mapping[ConditionKind.ValueType, int]:
            request = mesh_pb.CountFoundConditionsRequest(search=part)
            response = await stub.CountFoundConditions(request, timeout=self._timeout_s)
            return {count.kind: count.count for count in response.counts}

        return await self._gather(search, call)

    async def _gather(
        self, search: mesh_pb.ConditionSearch, call: Callable[[Any, mesh_pb.ConditionSearch], Awaitable[T]]
    ) -> Gathered:
        parts = _by_source(search)
        outcomes = await asyncio.gather(*(self._ask(source, part, call) for source, part in parts.items()))
        answers, unavailable = {}, []
        for source, outcome in zip(parts, outcomes, strict=True):
            if isinstance(outcome, UnavailableSource):
                unavailable.append(outcome)
            else:
                answers[source] = outcome
        return Gathered(answers=answers, unavailable=unavailable)

    async def _ask(
        self,
        source: str,
        part: mesh_pb.ConditionSearch,
        call: Callable[[Any, mesh_pb.ConditionSearch], Awaitable[T]],
    ) -> T | UnavailableSource:
        kinds = [searched.kind for searched in part.kinds]
        stub = self._stubs.get(source)
        if stub is None:
            message = f"notification_svc has no address of {source}_svc: set CSMS_{source.upper()}_ADDRESS"
            return UnavailableSource(source=source, kinds=kinds, message=message)
        try:
            return await call(stub, part)
        except grpc.aio.AioRpcError as failure:
            error: MeshError = from_rpc_error(failure)
        log.warning("conditions of a service not found", source=source, code=error.code.name, reason=error.reason)
        return UnavailableSource(source=source, kinds=kinds, message=f"{source}_svc did not answer: {error.code.name}")


def _by_source(search: mesh_pb.ConditionSearch) -> Mapping[str, mesh_pb.ConditionSearch]:
    """The part of a search for each service that has one of its kinds."""
    parts: dict[str, mesh_pb.ConditionSearch] = {}
    for searched in search.kinds:
        source = KINDS[searched.kind].source
        if source not in parts:
            parts[source] = mesh_pb.ConditionSearch()
            parts[source].CopyFrom(search)
            del parts[source].kinds[:]
        parts[source].kinds.append(searched)
    return parts


def _to_position(after: Position) -> mesh_pb.ConditionPosition:
    severity: Any = -after.rank
    return mesh_pb.ConditionPosition(severity=severity, begin_us=after.begin_us, condition_id=after.name.encode())

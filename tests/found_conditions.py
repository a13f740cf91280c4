"""The conditions that a service finds, asked for as notification_svc asks."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from csms.condition.v1.condition_pb2 import Condition, ConditionKind
from csms.condition.v1.condition_service_pb2 import ConditionCount
from csms.condition.v1.condition_source_service_pb2 import (
    ConditionSearch,
    CountFoundConditionsRequest,
    FindConditionsRequest,
    SearchedKind,
)
from csms.condition.v1.condition_source_service_pb2_grpc import ConditionSourceServiceStub
from csms.station.v1 import command_service_pb2  # noqa: F401 - remedies name its methods
from google.protobuf import descriptor_pool
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.message_factory import GetMessageClass

from mesh.conditions.names import position_of
from mesh.grpc.channels import open_channel
from tests.mesh_identities import identity_of

EVERY = [SearchedKind(kind=kind, whole_tenant=True) for kind in ConditionKind.values() if kind]


class Finder:
    """The ConditionSourceService of one service."""

    def __init__(self, stub: Any) -> None:
        self._stub = stub

    async def find(
        self, *, after: Condition | None = None, limit: int = 100, tenant: str = "default", **more: Any
    ) -> Sequence[Condition]:
        """Conditions in the order of lists."""
        request = FindConditionsRequest(search=_search(tenant, **more), limit=limit)
        if after is not None:
            request.after.severity = after.severity
            request.after.begin_us = after.begin_time.ToMicroseconds()
            request.after.condition_id = after.condition_id
        found = list((await self._stub.FindConditions(request, timeout=60)).conditions)
        for one in found:
            check(one)
        return found

    async def kinds(self, **more: Any) -> list[str]:
        """The kinds of what is found, without their prefix."""
        return [kind_of(one) for one in await self.find(**more)]

    async def count(self, *, tenant: str = "default", **more: Any) -> dict[str, int]:
        """The numbers by kind, those of 0 left out."""
        request = CountFoundConditionsRequest(search=_search(tenant, **more))
        response = await self._stub.CountFoundConditions(request, timeout=60)
        names = {one.kind: ConditionKind.Name(one.kind).removeprefix("CONDITION_KIND_") for one in response.counts}
        return {names[one.kind]: one.count for one in response.counts if one.count}

    async def pages(self, limit: int, **more: Any) -> list[Condition]:
        """All of them, `limit` at a time."""
        found: list[Condition] = []
        while page := await self.find(after=found[-1] if found else None, limit=limit, **more):
            found += page
        return found


def _search(tenant: str, *, kinds: Sequence[SearchedKind] = (), **more: Any) -> ConditionSearch:
    return ConditionSearch(tenant_id=tenant, kinds=kinds or EVERY, **more)


@asynccontextmanager
async def finder_of(address: str, part: str) -> AsyncIterator[Finder]:
    """Calls to the mesh port of a service, as notification_svc."""
    channel = open_channel(address, identity=identity_of("notification"), to=part)
    try:
        yield Finder(ConditionSourceServiceStub(channel))
    finally:
        await channel.close()


def kind_of(condition: Condition | ConditionCount) -> str:
    """The kind, without its prefix."""
    return ConditionKind.Name(condition.kind).removeprefix("CONDITION_KIND_")


def details_of(condition: Condition) -> dict[str, Any]:
    """The details."""
    return dict(MessageToDict(condition.details))


def remedies_of(condition: Condition) -> list[tuple[str, dict[str, Any]]]:
    """The methods that help, without their services, and the fields of their requests."""
    return [(one.method.partition("/")[2], dict(MessageToDict(one.request))) for one in condition.remedies]


def check(condition: Condition) -> None:
    """Each has a name, a begin and a severity; each remedy is a method of the contract and fits its request."""
    assert position_of(condition) is not None
    assert condition.begin_time.seconds
    assert condition.last_time.ToMicroseconds() >= condition.begin_time.ToMicroseconds()
    assert condition.severity
    assert condition.count >= 1
    assert condition.reason
    for one in condition.remedies:
        service, _slash, name = one.method.partition("/")
        method = descriptor_pool.Default().FindServiceByName(service).FindMethodByName(name)
        ParseDict(MessageToDict(one.request), GetMessageClass(method.input_type)())

"""notification_svc as it runs: both its ports here, a real database, operators with tokens of a test's own."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import grpc
import pytest
import sqlalchemy as sa
from csms.event.v1.event_ingest_service_pb2 import PublishEventItem, PublishEventsRequest
from csms.event.v1.event_ingest_service_pb2_grpc import EventIngestServiceStub
from csms.event.v1.event_service_pb2 import (
    Event,
    ListEventsRequest,
    ListEventsResponse,
    WatchEventsRequest,
    WatchEventsResponse,
)
from csms.event.v1.event_service_pb2_grpc import EventServiceStub
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet
from sqlalchemy import Connection

from mesh.database.engine import Database
from mesh.database.partition_keeper import PartitionKeeper
from mesh.identity.operators import AUDIENCE, ISSUER
from mesh.identity.tenants import TenantDirectory
from mesh.runtime.errors import from_rpc_error
from mesh.runtime.settings import ServiceSettings
from mesh.runtime.times import SECOND_US, to_timestamp
from mesh.service import Parts, RunningService, start
from notification_svc import migrations, models
from notification_svc.feed import Feed
from notification_svc.retention import retention_task
from notification_svc.service import build
from notification_svc.settings import NotificationSettings
from tests.conftest import FakeClock
from tests.mesh_identities import mesh_settings, open_callers_channel
from tests.role_callers import role_access
from tests.tenants import known

if TYPE_CHECKING:  # these are there for the type checker only
    from csms.event.v1.event_ingest_service_pb2_grpc import EventIngestServiceAsyncStub
    from csms.event.v1.event_service_pb2_grpc import EventServiceAsyncStub

KEY = ECKey.generate_key("P-256", auto_kid=True)
RETENTION_DAYS = 30


class Keys:
    """The key that the tokens of these tests are signed with."""

    async def keys(self, key_id: str) -> KeySet:
        """The key."""
        return KeySet([KEY])


# Beside the default one.
TENANTS = ("other", "acme", "one", "two", "a", "b", "x", "theirs", "ours", "new", "foreign")


def token(
    tenant_id: str = "default", *, role: str = "VIEWER", valid_s: int = 3600, username: str = "someone"
) -> tuple[tuple[str, str], ...]:
    """The metadata of a call by an operator of this tenant."""
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": username, "tenant": tenant_id, "sid": role}
    text = jwt.encode({"alg": "ES256", "kid": KEY.kid}, claims | {"exp": int(time.time()) + valid_s}, KEY)
    return (("authorization", f"Bearer {text}"),)


def item(event_id: str, *, tenant_id: str = "default", **fields: Any) -> PublishEventItem:
    """An event on its way; `fields` replace those of a typical one."""
    typical: dict[str, Any] = {"type": "station.booted", "source": "station", "station_id": "CP1"}
    return PublishEventItem(tenant_id=tenant_id, event=Event(event_id=event_id, **(typical | fields)))


@dataclass(kw_only=True)
class Notifications:
    """A running notification_svc, and stubs for it."""

    service: RunningService
    clock: FakeClock
    mesh_address: str
    ingest: "EventIngestServiceAsyncStub"
    events: "EventServiceAsyncStub"
    feed: Feed
    tenants: TenantDirectory
    keeper: PartitionKeeper
    stack: AsyncExitStack

    @property
    def database(self) -> Database:
        """Its database."""
        return self.service.database

    async def stop(self) -> None:
        """Stops it, as SIGTERM does."""
        await self.stack.aclose()

    async def expire(self) -> int:
        """Removes what is old, with partitions and without; returns the number of events."""
        before = await self.database.read(_count)
        await asyncio.to_thread(self.keeper.keep)
        task = retention_task(database=self.database, clock=self.clock, days=RETENTION_DAYS, tenants=self.tenants)
        await task.remove_old()
        return before - await self.database.read(_count)

    async def publish(self, *items: PublishEventItem) -> None:
        """One batch."""
        await self.ingest.PublishEvents(PublishEventsRequest(items=items), timeout=60)

    async def list(self, tenant_id: str = "default", **fields: Any) -> ListEventsResponse:
        """One page."""
        return await self.events.ListEvents(ListEventsRequest(**fields), metadata=token(tenant_id), timeout=60)

    async def all(self, tenant_id: str = "default", **fields: Any) -> Sequence[Event]:
        """All pages."""
        found: list[Event] = []
        while True:
            page = await self.list(tenant_id, **fields)
            found += page.events
            if not page.next_page_token:
                return found
            fields["page_token"] = page.next_page_token

    @asynccontextmanager
    async def watch(
        self, tenant_id: str = "default", *, metadata: Sequence[tuple[str, str]] | None = None, **fields: Any
    ) -> AsyncIterator["Watch"]:
        """A watch, from when it has begun."""
        call = self.events.WatchEvents(WatchEventsRequest(**fields), metadata=metadata or token(tenant_id))
        try:
            await asyncio.wait_for(call.wait_for_connection(), 60)
            yield Watch(call)
        finally:
            call.cancel()


def _count(connection: Connection) -> int:
    return connection.execute(sa.select(sa.func.count()).select_from(models.event)).scalar_one()


class Watch:
    """A watch that is read from."""

    def __init__(self, call: Any) -> None:
        self.call = call

    async def response(self) -> WatchEventsResponse:
        """The next response. Raises AioRpcError if the watch ends."""
        response: WatchEventsResponse = await asyncio.wait_for(self.call.read(), 60)
        return response

    async def ids(self, count: int) -> list[str]:
        """The ids of the next events."""
        found: list[str] = []
        while len(found) < count:
            response = await self.response()
            if response.HasField("event"):
                found.append(response.event.event_id)
        return found

    async def error(self) -> tuple[grpc.StatusCode, str]:
        """How it ends, where that is the next thing that happens: code and reason."""
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await self.response()
        error = from_rpc_error(caught.value)
        return error.code, error.reason


async def start_notifications(
    stack: AsyncExitStack,
    database_url: str,
    clock: FakeClock,
    *,
    sign_of_life_s: float = 15,
    address: str = "127.0.0.1:0",
) -> Notifications:
    """Starts notification_svc; several on one database are replicas."""
    own = AsyncExitStack()
    stack.push_async_callback(own.aclose)
    making = partial(build, settings=_own_settings(), clock=clock, sign_of_life_s=sign_of_life_s)
    feeds: list[Feed] = []
    keepers: list[PartitionKeeper] = []

    async def build_with_our_keys(database: Database, inner: AsyncExitStack) -> Parts:
        parts = await making(database, inner)
        feeds.extend(owner for stop in parts.on_stop if isinstance(owner := _owner(stop), Feed))
        keepers.extend(owner for run in parts.background if isinstance(owner := _owner(run), PartitionKeeper))
        # Once now, and then when a test says so.
        await asyncio.to_thread(keepers[0].keep)
        background = [run for run in parts.background if _owner(run) is not keepers[0]]
        return replace(parts, access=role_access(Keys()), background=background)

    service = await start(own, service_settings("notification", database_url, address), migrations, build_with_our_keys)
    mesh_address = f"127.0.0.1:{service.mesh_port}"
    mesh = await stack.enter_async_context(open_callers_channel(mesh_address, "notification"))
    operator = await stack.enter_async_context(grpc.aio.insecure_channel(f"127.0.0.1:{service.operator_port}"))
    return Notifications(
        service=service,
        clock=clock,
        mesh_address=mesh_address,
        ingest=EventIngestServiceStub(mesh),
        events=EventServiceStub(operator),
        feed=feeds[0],
        tenants=known(*TENANTS),
        keeper=keepers[0],
        stack=own,
    )


def _own_settings() -> NotificationSettings:
    return NotificationSettings(
        auth_address="127.0.0.1:1", mesh=mesh_settings("notification"), retention_days=RETENTION_DAYS
    )


def _owner(method: object) -> object:
    return getattr(method, "__self__", None)


def service_settings(name: str, database_url: str, address: str = "127.0.0.1:0") -> ServiceSettings:
    """Settings of a service on this machine."""
    return ServiceSettings(
        name=name,
        mesh_address=address,
        operator_address="127.0.0.1:0",
        metrics_address="127.0.0.1:0",
        database_url=database_url,
        mesh=mesh_settings("notification"),
        auto_migrate=True,
        reflection=False,
    )


@contextmanager
def refused(code: grpc.StatusCode, reason: str) -> Iterator[None]:
    """Expects that a call fails with this code and reason."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        yield
    error = from_rpc_error(caught.value)
    assert (error.code, error.reason) == (code, reason), error


def seconds(us: int) -> Any:
    """A time in a message."""
    return to_timestamp(us // SECOND_US * SECOND_US)

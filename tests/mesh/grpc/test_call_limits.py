"""Limits of operators' calls, on the wire: rates by caller and tenant, calls and streams under way."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack
from typing import Any

import grpc
import pytest
from csms.auth.v1.user_service_pb2 import VerifyRequest, VerifyResponse
from csms.auth.v1.user_service_pb2_grpc import UserServiceServicer, UserServiceStub, add_UserServiceServicer_to_server
from csms.event.v1.event_service_pb2 import WatchEventsRequest, WatchEventsResponse
from csms.event.v1.event_service_pb2_grpc import (
    EventServiceServicer,
    EventServiceStub,
    add_EventServiceServicer_to_server,
)
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from mesh.grpc.call_limits import BURST_S, CallLimits
from mesh.grpc.servers import operator_server
from mesh.grpc.types import Context
from mesh.identity.caller_directory import Credential
from mesh.identity.callers import Caller, Role, set_caller
from mesh.identity.operators import AUDIENCE, ISSUER
from mesh.identity.tickets import invalid_ticket
from mesh.runtime.call_rules import CallRules
from mesh.runtime.errors import MeshError, from_rpc_error
from tests.role_callers import role_access
from tests.waiting import eventually

KEY = ECKey.generate_key("P-256", auto_kid=True)
RULES = CallRules(
    calls_per_caller_s=0,
    calls_per_tenant_s=0,
    concurrent_calls_per_caller=3,
    streams_per_caller=2,
    streams_per_tenant=3,
    streams=4,
)


class Keys:
    """The key of these tests."""

    async def keys(self, key_id: str) -> KeySet:
        """The key."""
        return KeySet([KEY])


def _token(name: str, tenant_id: str = "t") -> tuple[tuple[str, str], ...]:
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": name, "tenant": tenant_id, "sid": "ADMINISTRATOR"}
    token = jwt.encode({"alg": "ES256", "kid": KEY.kid}, claims | {"exp": 100}, KEY)
    return (("authorization", f"Bearer {token}"),)


class Users(UserServiceServicer):
    """Answers when it is released."""

    def __init__(self) -> None:
        self.serving = 0
        self.released = asyncio.Event()

    async def Verify(self, request: VerifyRequest, context: Context) -> VerifyResponse:
        """Waits."""
        self.serving += 1
        try:
            await self.released.wait()
        finally:
            self.serving -= 1
        return VerifyResponse()


class Events(EventServiceServicer):
    """A stream that lasts."""

    async def WatchEvents(self, request: WatchEventsRequest, context: Context) -> AsyncIterator[WatchEventsResponse]:
        """Begins, and stays."""
        yield WatchEventsResponse()
        await asyncio.Event().wait()


class Edge:
    """A server with these limits."""

    def __init__(self, channel: grpc.aio.Channel, users: Users, limits: CallLimits) -> None:
        self.users = users
        self.limits = limits
        self.stub = UserServiceStub(channel)
        self.events = EventServiceStub(channel)

    async def watch(self, name: str, tenant_id: str = "t") -> Any:
        """A stream that has begun. Raises AioRpcError where it is refused."""
        call = self.events.WatchEvents(WatchEventsRequest(), metadata=_token(name, tenant_id))
        response = await call.read()
        assert response is not grpc.aio.EOF
        return call


class NoTickets:
    """Knows no ticket: none is presented here."""

    async def redeem(self, ticket: str) -> Credential:
        """Raises MeshError INVALID_TICKET."""
        raise invalid_ticket()


@pytest.fixture
async def edge() -> AsyncIterator[Edge]:
    """A server with RULES; its clock for tokens stands at 50 s."""
    server = operator_server(
        "127.0.0.1:0",
        access=role_access(Keys(), clock_s=lambda: 50),
        services=["csms.auth.v1.UserService", "csms.event.v1.EventService"],
        call_rules=RULES,
        tickets=NoTickets(),
    )
    # Their other methods are not called here.
    users = Users()  # type: ignore[abstract]
    add_UserServiceServicer_to_server(users, server.server)
    add_EventServiceServicer_to_server(Events(), server.server)  # type: ignore[abstract]
    async with AsyncExitStack() as stack:
        await server.start()
        stack.push_async_callback(server.stop, 0)
        channel = await stack.enter_async_context(grpc.aio.insecure_channel(f"127.0.0.1:{server.port}"))
        assert server.limits is not None
        yield Edge(channel, users, server.limits)


def _refusal(error: grpc.aio.AioRpcError) -> tuple[grpc.StatusCode, str]:
    found = from_rpc_error(error)
    return found.code, found.reason


async def test_a_caller_has_so_many_calls_under_way_and_no_more(edge: Edge) -> None:
    """Others are served meanwhile; where calls end, or are given up, there is room again."""
    waiting = [edge.stub.Verify(VerifyRequest(), metadata=_token("vera")) for _ in range(3)]

    async def are_served(count: int) -> bool:
        return edge.users.serving == count

    await eventually(lambda: are_served(3))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await edge.stub.Verify(VerifyRequest(), metadata=_token("vera"))
    assert _refusal(caught.value) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_CALLS")
    other = edge.stub.Verify(VerifyRequest(), metadata=_token("vera", "another tenant"))
    await eventually(lambda: are_served(4))
    waiting[0].cancel()
    await eventually(lambda: are_served(3))
    waiting.append(edge.stub.Verify(VerifyRequest(), metadata=_token("vera")))
    await eventually(lambda: are_served(4))
    edge.users.released.set()
    await asyncio.gather(*waiting[1:], other)


async def test_streams_are_limited_by_caller_tenant_and_service(edge: Edge) -> None:
    held = [await edge.watch("vera"), await edge.watch("vera")]
    for name, tenant_id, begins in [
        ("vera", "t", False),
        ("otto", "t", True),
        ("ada", "t", False),  # the tenant's third was the last
        ("vera", "another", True),
        ("zoe", "a third", False),  # the service's fourth was the last
    ]:
        if begins:
            held.append(await edge.watch(name, tenant_id))
            continue
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await edge.watch(name, tenant_id)
        assert _refusal(caught.value) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_STREAMS")
    assert edge.limits.open_streams == 4
    for call in held:
        call.cancel()

    async def none_is_open() -> bool:
        return edge.limits.open_streams == 0

    await eventually(none_is_open)
    await edge.watch("vera")


async def test_a_refusal_has_a_hint_for_people_and_programs(edge: Edge) -> None:
    """Seconds in the metadata, and google.rpc.RetryInfo, which clients of gRPC know."""
    for _ in range(2):
        await edge.watch("vera")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await edge.watch("vera")
    status: Any = rpc_status.from_call(caught.value)
    retry = error_details_pb2.RetryInfo()
    assert [detail.Unpack(retry) for detail in status.details] == [False, True]
    assert retry.retry_delay.seconds == 5
    assert from_rpc_error(caught.value).metadata == {"retry_after_s": "5"}
    assert "vera" in status.message


async def test_refusals_and_open_streams_are_metrics(edge: Edge) -> None:
    for _ in range(2):
        await edge.watch("vera")
    held = [await edge.watch("otto")]
    for _ in range(3):
        with pytest.raises(grpc.aio.AioRpcError):
            held.append(await edge.watch("ada"))
    samples = {
        (sample.name, *sample.labels.values()): sample.value
        for each in edge.limits.collect()
        for sample in each.samples
    }
    assert samples["csms_calls_refused_total", "TOO_MANY_STREAMS"] == 3
    assert samples["csms_streams_open",] == 3


async def test_thousands_of_watches_are_refused_and_leave_nothing(edge: Edge) -> None:
    at_once = asyncio.Semaphore(50)

    async def attempt() -> Any:
        async with at_once:
            return await edge.watch("vera")

    attempts = await asyncio.gather(*(attempt() for _ in range(4_000)), return_exceptions=True)
    errors = [each for each in attempts if isinstance(each, grpc.aio.AioRpcError)]
    assert {_refusal(error) for error in errors} == {(grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_STREAMS")}
    assert len(attempts) - len(errors) == RULES.streams_per_caller == edge.limits.open_streams


def _caller(name: str, tenant_id: str) -> Caller:
    return Caller(username=name, tenant_id=tenant_id, role=Role.VIEWER, session_id="s", expires_s=100)


def _served(limits: CallLimits, name: str, tenant_id: str, calls: int) -> int:
    """So many calls, one after the other; how many are served."""
    served = 0
    set_caller(_caller(name, tenant_id))
    for _ in range(calls):
        try:
            with limits.call("/method"):
                served += 1
        except MeshError as error:
            assert error.metadata["retry_after_s"] == "1"  # noqa: PT017 - others are served
    return served


def test_the_rate_of_a_caller_and_of_a_tenant() -> None:
    now_s = 100.0
    limits = CallLimits(CallRules(calls_per_caller_s=10, calls_per_tenant_s=25), clock_s=lambda: now_s)
    assert _served(limits, "vera", "t", 1_000) == 10 * BURST_S
    assert _served(limits, "vera", "another", 1_000) == 10 * BURST_S
    assert _served(limits, "otto", "t", 1_000) == 10 * BURST_S
    assert _served(limits, "ada", "t", 1_000) == 5 * BURST_S  # as much as the tenant has left
    now_s += 1
    assert _served(limits, "vera", "t", 1_000) == 10
    assert _served(limits, "ada", "t", 1_000) == 15  # the refusals before took nothing of her own
    assert _served(limits, "otto", "t", 1_000) == 0


def test_without_limits_nothing_is_refused() -> None:
    none = CallRules(
        calls_per_caller_s=0,
        calls_per_tenant_s=0,
        concurrent_calls_per_caller=0,
        streams_per_caller=0,
        streams_per_tenant=0,
        streams=0,
    )
    limits = CallLimits(none)
    assert _served(limits, "vera", "t", 10_000) == 10_000
    with ExitStack() as stack:
        for _ in range(100):
            stack.enter_context(limits.stream("/method"))
        assert limits.open_streams == 100
    assert limits.open_streams == 0

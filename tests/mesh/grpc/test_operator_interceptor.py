"""The interceptor of operator ports, on the wire, with streams too."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import grpc
import pytest
from csms.auth.v1.id_token_service_pb2 import ListIdTokensRequest, ListIdTokensResponse
from csms.auth.v1.id_token_service_pb2_grpc import (
    IdTokenServiceServicer,
    IdTokenServiceStub,
    add_IdTokenServiceServicer_to_server,
)
from csms.auth.v1.user_service_pb2 import (
    GetKeySetRequest,
    ListUsersRequest,
    ListUsersResponse,
    LoginRequest,
    LoginResponse,
    RegisterRequest,
    RegisterResponse,
    User,
    VerifyRequest,
    VerifyResponse,
)
from csms.auth.v1.user_service_pb2_grpc import UserServiceServicer, UserServiceStub, add_UserServiceServicer_to_server
from csms.event.v1.event_service_pb2 import Event, StreamEventsRequest, WatchEventsRequest, WatchEventsResponse
from csms.event.v1.event_service_pb2_grpc import (
    EventServiceServicer,
    EventServiceStub,
    add_EventServiceServicer_to_server,
)
from csms.options.v1 import options_pb2
from google.api.httpbody_pb2 import HttpBody
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from mesh.grpc.servers import operator_server
from mesh.grpc.types import Context
from mesh.identity.caller_directory import Credential, SignIn
from mesh.identity.callers import Grant, Role, current_caller, optional_caller, unauthenticated
from mesh.identity.operators import AUDIENCE, ISSUER
from mesh.identity.tickets import invalid_ticket
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError, from_rpc_error, unavailable
from tests.role_callers import RoleCallers, role_access

KEY = ECKey.generate_key("P-256", auto_kid=True)
PREFIX = "/csms.auth.v1.UserService/"


class Keys:
    """The key of these tests; or none to be had."""

    away = False

    async def keys(self, key_id: str) -> KeySet:
        """The key."""
        if self.away:
            raise MeshError(grpc.StatusCode.UNAVAILABLE, Reason.DATABASE_UNAVAILABLE, "away")
        return KeySet([KEY])


def _token(name: str, role: Role, expires_s: int = 100) -> tuple[tuple[str, str], ...]:
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": name, "tenant": "t", "sid": role.name}
    token = jwt.encode({"alg": "ES256", "kid": KEY.kid}, claims | {"exp": expires_s}, KEY)
    return (("authorization", f"Bearer {token}"),)


class Users(UserServiceServicer):
    """Says who it thinks is calling."""

    async def Login(self, request: LoginRequest, context: Context) -> LoginResponse:
        """Public."""
        caller = optional_caller()
        return LoginResponse(access_token="" if caller is None else caller.username)

    async def Register(self, request: RegisterRequest, context: Context) -> RegisterResponse:
        """Public."""
        caller = optional_caller()
        return RegisterResponse(user=User(username="" if caller is None else caller.username))

    async def Verify(self, request: VerifyRequest, context: Context) -> VerifyResponse:
        """Not public; gives others time to get mixed up."""
        before = current_caller().username
        await asyncio.sleep(0)
        assert current_caller().username == before
        return VerifyResponse(user=User(username=before))

    async def ListUsers(self, request: ListUsersRequest, context: Context) -> ListUsersResponse:
        """For administrators."""
        return ListUsersResponse(users=[User(username=current_caller().username)])

    async def GetKeySet(self, request: GetKeySetRequest, context: Context) -> HttpBody:
        """Fails as nobody foresaw."""
        raise ZeroDivisionError("secret detail")


class IdTokens(IdTokenServiceServicer):
    """Added to the server, but not listed."""

    async def ListIdTokens(self, request: ListIdTokensRequest, context: Context) -> ListIdTokensResponse:
        """Never called."""
        raise AssertionError


class Events(EventServiceServicer):
    """A stream that fails after its first event, or, with a filter, has none after it."""

    def __init__(self) -> None:
        self.ended = asyncio.Event()

    async def WatchEvents(self, request: WatchEventsRequest, context: Context) -> AsyncIterator[WatchEventsResponse]:
        """Returns the caller, then waits or fails."""
        yield WatchEventsResponse(event=Event(event_id=current_caller().username))
        if request.filter:
            try:
                await asyncio.Event().wait()
            finally:
                self.ended.set()
        raise MeshError(grpc.StatusCode.OUT_OF_RANGE, Reason.CURSOR_EXPIRED, "too old")

    async def StreamEvents(self, request: StreamEventsRequest, context: Context) -> AsyncIterator[HttpBody]:
        """The same, as a stream for REST callers."""
        async for response in self.WatchEvents(WatchEventsRequest(filter=request.filter), context):
            yield HttpBody(data=response.event.event_id.encode())


class OneTicket:
    """Tickets: `vera-once` is one of vera's, until it is used."""

    def __init__(self) -> None:
        self.left = {"vera-once"}

    async def redeem(self, ticket: str) -> Credential:
        """Returns vera's sign-in."""
        if ticket not in self.left:
            raise invalid_ticket()
        self.left.remove(ticket)
        return SignIn(tenant_id="t", username="vera", sign_in_id=Role.VIEWER.name, expires_s=100)


def _last_words(error: MeshError) -> HttpBody:
    return HttpBody(data=f"failed: {error.reason}".encode())


class Edge:
    """A server behind the interceptor."""

    def __init__(self, channel: grpc.aio.Channel, keys: Keys, callers: RoleCallers, served: Events) -> None:
        self.keys = keys
        self.callers = callers
        self.served = served
        self.channel = channel
        self.users = UserServiceStub(channel)
        self.events = EventServiceStub(channel)
        self.id_tokens = IdTokenServiceStub(channel)


@pytest.fixture
async def edge() -> AsyncIterator[Edge]:
    """A server behind the interceptor; its clock stands at 50 s."""
    keys, callers = Keys(), RoleCallers()
    events = Events()  # type: ignore[abstract]
    server = operator_server(
        "127.0.0.1:0",
        access=role_access(keys, clock_s=lambda: 50, callers=callers),
        services=["csms.auth.v1.UserService", "csms.event.v1.EventService"],
        tickets=OneTicket(),
        last_words={"/csms.event.v1.EventService/StreamEvents": _last_words},
    )
    # Their other methods are not called here.
    add_UserServiceServicer_to_server(Users(), server.server)  # type: ignore[abstract]
    add_EventServiceServicer_to_server(events, server.server)
    add_IdTokenServiceServicer_to_server(IdTokens(), server.server)  # type: ignore[abstract]
    async with AsyncExitStack() as stack:
        await server.start()
        stack.push_async_callback(server.stop, 0)
        channel = await stack.enter_async_context(grpc.aio.insecure_channel(f"127.0.0.1:{server.port}"))
        yield Edge(channel, keys, callers, events)


def _reason(caught: pytest.ExceptionInfo[grpc.aio.AioRpcError]) -> tuple[grpc.StatusCode, str]:
    error = from_rpc_error(caught.value)
    return error.code, error.reason


async def test_callers_do_not_get_mixed_up(edge: Edge) -> None:
    """Each call sees its own caller, also among many on one connection."""
    names = [f"user-{number}" for number in range(20)]
    calls = [edge.users.Verify(VerifyRequest(), metadata=_token(name, Role.OPERATOR)) for name in names]
    assert [response.user.username for response in await asyncio.gather(*calls)] == names
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await edge.users.Verify(VerifyRequest())
    assert _reason(caught) == (grpc.StatusCode.UNAUTHENTICATED, "INVALID_TOKEN")


async def test_role_that_is_too_low(edge: Edge) -> None:
    """The permission of the method counts, not its verb."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await edge.users.ListUsers(ListUsersRequest(), metadata=_token("otto", Role.OPERATOR))
    assert _reason(caught) == (grpc.StatusCode.PERMISSION_DENIED, "ROLE_TOO_LOW")
    response = await edge.users.ListUsers(ListUsersRequest(), metadata=_token("ada", Role.ADMINISTRATOR))
    assert [user.username for user in response.users] == ["ada"]


async def test_a_service_that_is_not_listed_is_not_served(edge: Edge) -> None:
    """Its methods have no rule, so that no caller may call them, whatever the role."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await edge.id_tokens.ListIdTokens(ListIdTokensRequest(), metadata=_token("ada", Role.ADMINISTRATOR))
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_login_is_open_whatever_token_comes_along(edge: Edge) -> None:
    """A token counts if it is valid, and is no hindrance if it is not."""
    request = LoginRequest(username="x", password="y")
    for metadata, name in ((), ""), (_token("vera", Role.VIEWER), "vera"), (_token("vera", Role.VIEWER, 10), ""):
        assert (await edge.users.Login(request, metadata=metadata)).access_token == name


async def test_register_does_not_overlook_an_invalid_token(edge: Edge) -> None:
    """Who sends one means to act as an administrator."""
    request = RegisterRequest(username="x", password="y")
    assert (await edge.users.Register(request)).user.username == ""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await edge.users.Register(request, metadata=_token("ada", Role.ADMINISTRATOR, 10))
    assert _reason(caught) == (grpc.StatusCode.UNAUTHENTICATED, "INVALID_TOKEN")


async def test_keys_that_are_away_make_a_call_unavailable(edge: Edge) -> None:
    """Not unauthenticated: the client would throw its token away."""
    edge.keys.away = True
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await edge.users.Verify(VerifyRequest(), metadata=_token("vera", Role.OPERATOR))
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_unforeseen_error_tells_an_incident_and_no_more(edge: Edge) -> None:
    """The log has the rest."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await edge.users.GetKeySet(GetKeySetRequest())
    assert _reason(caught) == (grpc.StatusCode.INTERNAL, "INTERNAL")
    assert "incident" in str(caught.value.details())
    assert "secret detail" not in str(caught.value)


@pytest.mark.parametrize("data", [b"\x12\x01\xff", b"\xff"], ids=["not UTF-8", "no message"])
async def test_a_request_that_cannot_be_parsed_is_the_callers_mistake(edge: Edge, data: bytes) -> None:
    """With a reason; a caller without permission gets that error first. Streams too."""
    login: Any = edge.channel.unary_unary(f"{PREFIX}Login", request_serializer=lambda _: data)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await login(LoginRequest())
    assert _reason(caught) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST")
    watch: Any = edge.channel.unary_stream("/csms.event.v1.EventService/WatchEvents", request_serializer=lambda _: data)
    for metadata, reason in ((), "INVALID_TOKEN"), (_token("vera", Role.VIEWER), "INVALID_REQUEST"):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            [event async for event in watch(WatchEventsRequest(), metadata=metadata)]
        assert _reason(caught)[1] == reason


async def test_streams_are_authenticated_and_end_with_their_error(edge: Edge) -> None:
    """Messages that were sent before arrive."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        [event async for event in edge.events.WatchEvents(WatchEventsRequest())]
    assert _reason(caught) == (grpc.StatusCode.UNAUTHENTICATED, "INVALID_TOKEN")
    stream = edge.events.WatchEvents(WatchEventsRequest(), metadata=_token("vera", Role.VIEWER))
    events = aiter(stream)
    assert (await anext(events)).event.event_id == "vera"
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await anext(events)
    assert _reason(caught) == (grpc.StatusCode.OUT_OF_RANGE, "CURSOR_EXPIRED")


async def _watch(edge: Edge, name: str = "vera") -> Any:
    """A watch that has had its first event, and waits for another."""
    events = aiter(edge.events.WatchEvents(WatchEventsRequest(filter="x"), metadata=_token(name, Role.VIEWER)))
    assert (await anext(events)).event.event_id == name
    return events


async def test_an_open_stream_ends_when_its_caller_is_revoked(edge: Edge) -> None:
    """With the reason of the refusal, though it waits; what it held is released, and others go on."""
    revoked, other = await _watch(edge), await _watch(edge, "otto")
    edge.callers.refusals["vera"] = unauthenticated("the session has ended")
    edge.callers.changed()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await anext(revoked)
    assert _reason(caught) == (grpc.StatusCode.UNAUTHENTICATED, "INVALID_TOKEN")
    await asyncio.wait_for(edge.served.ended.wait(), 10)
    edge.callers.refusals["otto"] = unauthenticated("the session has ended")
    edge.callers.changed()
    with pytest.raises(grpc.aio.AioRpcError):
        await anext(other)


@pytest.mark.parametrize("site_id", [None, "north"], ids=["no permission", "a part of the tenant"])
async def test_an_open_stream_ends_when_its_caller_may_see_less(edge: Edge, site_id: str | None) -> None:
    """Without the permission, and with it in another scope: its filters were made for the former one."""
    events = await _watch(edge)
    reads = Grant(permissions=frozenset({options_pb2.PERMISSION_EVENTS_READ}), site_id=site_id or "")
    edge.callers.grants["vera"] = () if site_id is None else (reads,)
    edge.callers.changed()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await anext(events)
    assert _reason(caught) == (grpc.StatusCode.PERMISSION_DENIED, "GRANTS_CHANGED")


async def test_an_open_stream_ends_where_changes_cannot_be_known(edge: Edge) -> None:
    """Nothing is served on old knowledge; the client may call again."""
    events = await _watch(edge)
    edge.callers.current = False
    edge.callers.changed()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await anext(events)
    assert _reason(caught) == (grpc.StatusCode.UNAVAILABLE, "CALLER_UNKNOWN")


async def test_callers_that_cannot_be_looked_up_make_a_call_unavailable(edge: Edge) -> None:
    edge.callers.refusals["vera"] = unavailable(Reason.CALLER_UNKNOWN, "away")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await edge.users.Verify(VerifyRequest(), metadata=_token("vera", Role.VIEWER))
    assert _reason(caught) == (grpc.StatusCode.UNAVAILABLE, "CALLER_UNKNOWN")


async def test_a_token_and_an_api_key_together_are_refused(edge: Edge) -> None:
    """It is not for the service to choose who is meant."""
    key = ("x-api-key", f"csms_{'a' * 8}_{'b' * 43}")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await edge.users.Verify(VerifyRequest(), metadata=(*_token("vera", Role.VIEWER), key))
    assert _reason(caught) == (grpc.StatusCode.UNAUTHENTICATED, "INVALID_TOKEN")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await edge.users.Verify(VerifyRequest(), metadata=(("x-api-key", "csms_aaaaaaaa_short"),))
    assert _reason(caught) == (grpc.StatusCode.UNAUTHENTICATED, "INVALID_API_KEY")


async def _texts(call: Any) -> tuple[list[str], tuple[grpc.StatusCode, str]]:
    """The texts of a stream that fails, and how it does."""
    found: list[str] = []

    async def read() -> None:
        async for body in call:
            found.append(body.data.decode())  # noqa: PERF401 - those before the error count

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await read()
    return found, _reason(caught)


async def test_a_ticket_says_who_calls_once(edge: Edge) -> None:
    request = StreamEventsRequest(ticket="vera-once")
    texts, error = await _texts(edge.events.StreamEvents(request))
    assert (texts[0], error[1]) == ("vera", "CURSOR_EXPIRED")
    assert await _texts(edge.events.StreamEvents(request)) == ([], (grpc.StatusCode.UNAUTHENTICATED, "INVALID_TICKET"))


async def test_without_a_ticket_the_method_needs_a_credential(edge: Edge) -> None:
    refused = grpc.StatusCode.UNAUTHENTICATED, "INVALID_TOKEN"
    assert await _texts(edge.events.StreamEvents(StreamEventsRequest())) == ([], refused)
    both = edge.events.StreamEvents(StreamEventsRequest(ticket="vera-once"), metadata=_token("otto", Role.VIEWER))
    assert await _texts(both) == ([], refused)
    texts, _ = await _texts(edge.events.StreamEvents(StreamEventsRequest(), metadata=_token("otto", Role.VIEWER)))
    assert texts[0] == "otto"


async def test_a_stream_for_rest_has_its_error_among_its_responses(edge: Edge) -> None:
    """Where it has begun: the front door has sent the status by then. Of one that has not, the status is enough."""
    texts, error = await _texts(edge.events.StreamEvents(StreamEventsRequest(ticket="vera-once")))
    assert (texts, error) == (["vera", "failed: CURSOR_EXPIRED"], (grpc.StatusCode.OUT_OF_RANGE, "CURSOR_EXPIRED"))


async def test_a_stream_by_ticket_ends_when_its_caller_is_revoked(edge: Edge) -> None:
    """As one with an access token does."""
    bodies = aiter(edge.events.StreamEvents(StreamEventsRequest(ticket="vera-once", filter="x")))
    assert (await anext(bodies)).data == b"vera"
    edge.callers.refusals["vera"] = unauthenticated("the session has ended")
    edge.callers.changed()
    assert (await anext(bodies)).data == b"failed: INVALID_TOKEN"
    await asyncio.wait_for(edge.served.ended.wait(), 10)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await anext(bodies)
    assert _reason(caught) == (grpc.StatusCode.UNAUTHENTICATED, "INVALID_TOKEN")

"""Ends of access at the front door: open watches, API keys, and signing keys that are replaced at once."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import grpc
import pytest
from csms.event.v1 import event_service_pb2 as events
from csms.event.v1 import event_service_pb2_grpc as events_grpc

from mesh.runtime.errors import from_rpc_error
from tests.front_door.conftest import PLATFORM_PASSWORD
from tests.running_mesh import RunningMesh

WITHIN_S = 5.0
# Beyond the 5 s of the services: how often Envoy fetches the key set, and a busy machine.
ENVOY_S = 30.0
PASSWORD = "a long and quiet secret"

Bearer = dict[str, str]


def _login(mesh: RunningMesh, name: str) -> tuple[Bearer, str]:
    """The header of a user's access token, and the refresh token."""
    answer = mesh.request("POST", "/v1/auth:login", body={"username": name, "password": PASSWORD})
    assert answer.status == 200, answer
    return {"authorization": f"Bearer {answer.json['accessToken']}"}, answer.json["refreshToken"]


def _user(mesh: RunningMesh, admin: Bearer, name: str) -> tuple[Bearer, str]:
    body = {"username": name, "password": PASSWORD, "role": "ROLE_VIEWER"}
    answer = mesh.request("POST", "/v1/auth:register", body=body, **admin)
    assert answer.status in (200, 409), answer
    return _login(mesh, name)


def _api_key(mesh: RunningMesh, admin: Bearer) -> tuple[Bearer, str]:
    body = {"apiKey": {"displayName": "watcher", "permissions": ["PERMISSION_EVENTS_READ"]}}
    made = mesh.request("POST", "/v1/apiKeys", body=body, **admin).json
    return {"x-api-key": made["secret"]}, made["apiKey"]["prefix"]


def _revoke(mesh: RunningMesh, admin: Bearer, way: str) -> tuple[Bearer, Callable[[], object]]:
    """The header of a caller, and what ends its access."""
    if way == "API key revoked":
        header, prefix = _api_key(mesh, admin)
        return header, lambda: mesh.request("DELETE", f"/v1/apiKeys/{prefix}", **admin)
    header, _refresh = _user(mesh, admin, "watcher")
    ends = {
        "logout": lambda: mesh.request("POST", "/v1/auth:logout", body={}, **header),
        "user removed": lambda: mesh.request("DELETE", "/v1/users/watcher", **admin),
        "signed out everywhere": lambda: mesh.request(
            "POST", "/v1/signIns:endAll", body={"username": "watcher"}, **admin
        ),
    }
    return header, ends[way]


@pytest.mark.parametrize("way", ["logout", "signed out everywhere", "user removed", "API key revoked"])
async def test_an_open_watch_ends_with_its_caller(mesh: RunningMesh, bearer: Bearer, way: str) -> None:
    """Through Envoy, at another service than the one that was told."""
    header, revoke = await asyncio.to_thread(_revoke, mesh, bearer, way)
    async with grpc.aio.insecure_channel(mesh.target) as channel:
        stream = events_grpc.EventServiceStub(channel).WatchEvents(
            events.WatchEventsRequest(), metadata=tuple(header.items())
        )
        await stream.initial_metadata()
        await asyncio.to_thread(revoke)
        ended_s = time.monotonic()
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await _read_on(stream.read)
    assert time.monotonic() - ended_s < WITHIN_S + 1
    error = from_rpc_error(caught.value)
    assert error.code is grpc.StatusCode.UNAUTHENTICATED
    assert error.reason == ("INVALID_API_KEY" if "x-api-key" in header else "INVALID_TOKEN")


async def _read_on(read: Callable[[], Awaitable[object]]) -> None:
    async with asyncio.timeout(60):
        while await read() is not grpc.aio.EOF:
            pass


def test_signing_keys_are_replaced_at_once(mesh: RunningMesh, bearer: Bearer) -> None:
    """Tokens of the former key are refused within 5 s, and sign-ins go on with a refresh."""
    former, refresh = _user(mesh, bearer, "rotating")
    paths = ("/v1/stations", "/v1/transactions", "/v1/events", "/v1/idTokens")
    assert {mesh.request("GET", path, **former).status for path in paths} == {200}
    refused = mesh.request("POST", "/v1/auth/keys:rotate", body={}, **bearer)
    assert (refused.status, refused.reason) == (403, "ROLE_TOO_LOW")
    login = {"username": "platform", "password": PLATFORM_PASSWORD, "tenantId": "platform"}
    platform = f"Bearer {mesh.request('POST', '/v1/auth:login', body=login).json['accessToken']}"
    assert mesh.request("POST", "/v1/auth/keys:rotate", body={}, authorization=platform).status == 200
    rotated_s = time.monotonic()
    _until(lambda: {mesh.request("GET", path, **former).status for path in paths} == {401}, rotated_s, WITHIN_S + 1)
    answer = mesh.request("POST", "/v1/auth:refresh", body={"refreshToken": refresh})
    assert answer.status == 200, answer
    new = {"authorization": f"Bearer {answer.json['accessToken']}"}
    _until(lambda: {mesh.request("GET", path, **new).status for path in paths} == {200}, rotated_s, ENVOY_S)


def _until(condition: Callable[[], bool], since_s: float, within_s: float) -> None:
    while not condition():
        assert time.monotonic() - since_s < within_s
        time.sleep(0.05)

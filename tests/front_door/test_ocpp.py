"""Charge points through the front door: the same gateway, nothing lost on the way."""

import asyncio
import base64
import json
import resource
import socket
from collections.abc import Iterator
from functools import partial
from urllib.parse import quote

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin, Subprotocol

from benchmarks.extremes import allow_sockets
from station_kit.v16 import messages as v16
from tests.front_door.conftest import DEVELOPMENT_ORIGIN
from tests.gateway.raw_station import RawStation, basic
from tests.running_mesh import Answer, RunningMesh
from tests.waiting import PATIENCE_S, eventually

V16 = Subprotocol("ocpp1.6")
CHARGE_POINTS = 1_100
BOOT = [2, "1", "BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"}]


async def test_a_session_of_a_charge_point(mesh: RunningMesh, bearer: dict[str, str]) -> None:
    """Sub-protocol negotiated, frames both ways, and the operators see it."""
    async with RawStation(f"{mesh.ocpp_url}/FD-WS-1", subprotocols=["ocpp9.9", "ocpp1.6"]) as station:
        assert station.socket.subprotocol == V16
        assert (await station.boot())["status"] == "Accepted"
        resource = await asyncio.to_thread(mesh.request, "GET", "/v1/stations/FD-WS-1", **bearer)
        assert resource.json["connected"] is True


async def test_basic_authentication_passes(mesh: RunningMesh, bearer: dict[str, str]) -> None:
    """The right credential is let in, a wrong one is not, and none is not."""
    made = mesh.request("POST", "/v1/stations", body={"stationId": "FD-WS-2", "securityProfile": 1}, **bearer)
    assert made.status == 200, made
    url = f"{mesh.ocpp_url}/FD-WS-2"
    async with RawStation(url, headers=basic("FD-WS-2", made.json["credential"])) as station:
        assert station.socket.subprotocol == V16
    for headers in (basic("FD-WS-2", "wrong"), {}):
        with pytest.raises(InvalidStatus) as failure:
            async with RawStation(url, headers=headers):
                pass
        assert failure.value.response.status_code == 401


async def test_the_address_is_the_callers(mesh: RunningMesh, bearer: dict[str, str]) -> None:
    """As Envoy saw it, whatever the caller says of itself; at the gateway nobody is believed but Envoy."""
    said = {"X-Envoy-External-Address": "203.0.113.7", "X-CSMS-Front-Door": "x", "X-Forwarded-For": "203.0.113.8"}
    for base in (mesh.ocpp_url, mesh.gateway_url):
        async with connect(f"{base}/FD-WS-5", subprotocols=[V16], additional_headers=said, open_timeout=PATIENCE_S):
            station = await asyncio.to_thread(mesh.request, "GET", "/v1/stations/FD-WS-5", **bearer)
            assert station.json["connection"]["remoteAddress"] == "127.0.0.1"


async def test_a_browser_is_no_charge_point(mesh: RunningMesh) -> None:
    """Not even a page that operators may use."""
    for origin in ("https://evil.example", DEVELOPMENT_ORIGIN):
        with pytest.raises(InvalidStatus) as failure:
            await connect(
                f"{mesh.ocpp_url}/FD-WS-6", subprotocols=[V16], origin=Origin(origin), open_timeout=PATIENCE_S
            )
        assert failure.value.response.status_code == 403


async def test_a_token_in_the_url_passes(mesh: RunningMesh, bearer: dict[str, str]) -> None:
    """For charge points that cannot do HTTP Basic."""
    made = mesh.request("POST", "/v1/stations", body={"stationId": "FD-WS-3", "securityProfile": 1}, **bearer)
    url = f"{mesh.ocpp_url}/FD-WS-3?token={made.json['credential']}"
    async with connect(url, subprotocols=[V16], open_timeout=PATIENCE_S) as socket_:
        assert socket_.subprotocol == V16


async def test_a_websocket_elsewhere_is_refused(mesh: RunningMesh) -> None:
    """Only /ocpp/ is upgraded."""
    with pytest.raises(InvalidStatus) as failure:
        await connect(mesh.http_url.replace("http", "ws") + "/v1/stations", open_timeout=PATIENCE_S)
    assert failure.value.response.status_code == 403


def test_header_names_keep_their_case(mesh: RunningMesh) -> None:
    """Some charge points look for `Sec-WebSocket-Accept` letter by letter."""
    host, _, port = mesh.target.rpartition(":")
    key = base64.b64encode(b"0123456789abcdef").decode()
    request = (
        f"GET /ocpp/FD-WS-4 HTTP/1.1\r\nHost: {mesh.target}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: ocpp1.6\r\n\r\n"
    )
    with socket.create_connection((host, int(port)), timeout=PATIENCE_S) as raw:
        raw.sendall(request.encode())
        answer = ""
        while "\r\n\r\n" not in answer and (part := raw.recv(4096)):
            answer += part.decode()
    assert answer.startswith("HTTP/1.1 101 ")
    assert "\r\nSec-WebSocket-Accept: " in answer
    assert "\r\nSec-WebSocket-Protocol: ocpp1.6\r\n" in answer


@pytest.fixture
def many_files() -> Iterator[None]:
    """More open files for this process than the 1,024 that the shell of an ordinary user allows."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    allow_sockets(CHARGE_POINTS)
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.usefixtures("many_files")
async def test_more_than_a_thousand_charge_points(mesh: RunningMesh) -> None:
    """Envoy's circuit breaker would stop at 1,024 by default, and the others would hang."""
    at_once = asyncio.Semaphore(50)

    async def open_one(number: int) -> ClientConnection:
        async with at_once:
            url = f"{mesh.ocpp_url}/FD-MANY-{number}"
            return await connect(url, subprotocols=[V16], open_timeout=2 * PATIENCE_S, compression=None)

    opened = await asyncio.gather(*(open_one(number) for number in range(CHARGE_POINTS)))
    last = opened[-1]
    await last.send(json.dumps(BOOT))
    assert json.loads(await asyncio.wait_for(last.recv(), PATIENCE_S))[2]["status"] == "Accepted"
    await asyncio.gather(*(each.close() for each in opened))


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/ocpp/" + "x" * 20_000, None, 414),
        ("POST", "/ocpp/CP1", b"body", 405),
        ("GET", "/ocpp/CP1", None, 426),
    ],
)
def test_what_is_no_handshake_has_the_status_that_says_so(
    mesh: RunningMesh, method: str, path: str, body: bytes | None, status: int
) -> None:
    """Not "too many requests", nor "service unavailable": nothing here is, and trying again would not help."""
    assert mesh.request(method, path, body=body, Content_Type="text/plain").status == status


def test_a_long_path_of_an_operator_is_not_too_many_requests(mesh: RunningMesh, bearer: dict[str, str]) -> None:
    """It names nothing there is; a longer one has the status that says what is wrong."""
    assert mesh.request("GET", "/v1/stations/" + "x" * 20_000, **bearer).status == 404
    assert mesh.request("GET", "/v1/stations/" + "x" * 70_000, **bearer).status == 431


async def test_a_session_is_ended_by_an_operator(mesh: RunningMesh, bearer: dict[str, str]) -> None:
    """By REST: found among those that hang, ended with a reason, and read again with who did it."""

    async def request(method: str, path: str, body: object = None) -> Answer:
        return await asyncio.to_thread(partial(mesh.request, method, path, body=body, **bearer))

    async with RawStation(f"{mesh.ocpp_url}/FD-WS-END") as charging:
        await charging.boot()
        start = v16.start_transaction(id_tag="T", meter_start=100, timestamp="2026-11-21T10:00:00Z")
        number = (await charging.call(*start))["transactionId"]
        await charging.call("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Available"})

        async def is_listed() -> bool:
            text = quote('hanging = true AND station_id = "FD-WS-END"')
            listed = (await request("GET", f"/v1/transactions?filter={text}")).json["transactions"]
            return [found["transactionId"] for found in listed] == [str(number)]

        await eventually(is_listed)
        path = f"/v1/stations/FD-WS-END/transactions/{number}"
        assert (await request("POST", f"{path}:end", {})).status == 400
        ended = await request("POST", f"{path}:end", {"reason": "charger replaced"})
        assert ended.status == 200, ended
        assert (ended.json["state"], ended.json["hanging"]) == ("TRANSACTION_STATE_ENDED", False)
        assert ended.json["endOrigin"] == "TRANSACTION_END_ORIGIN_OPERATOR"
        assert (ended.json["operatorEnd"]["username"], ended.json["operatorEnd"]["reason"]) == (
            "admin",
            "charger replaced",
        )
        assert (await request("GET", path)).json == ended.json
        refused = await request("POST", f"{path}:end", {"reason": "another"})
        assert (refused.status, refused.reason) == (400, "TRANSACTION_ENDED")

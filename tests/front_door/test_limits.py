"""Limits of the front door: connections of operators and stations apart, slow requests, requests by address, logins."""

import asyncio
import http.client
import json
import socket
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import grpc
import pytest
from csms.auth.v1 import user_service_pb2, user_service_pb2_grpc
from csms.event.v1 import event_service_pb2 as events
from csms.event.v1 import event_service_pb2_grpc as events_grpc
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidHandshake, InvalidMessage
from websockets.typing import Subprotocol

from auth_svc.login_throttle import FREE, PER_SOURCE
from mesh.runtime.errors import from_rpc_error
from tests.gateway.raw_station import RawStation
from tests.running_mesh import RunningMesh, running_mesh
from tests.waiting import PATIENCE_S, eventually

V16 = Subprotocol("ocpp1.6")
OPERATORS, STATIONS = 40, 25
PER_ADDRESS_S, BURST = 40, 200
REQUEST_TIMEOUT_S = 30
# Other addresses of this machine, each a source of its own.
ATTACKER, OTHER, FORGER, READER = "127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5"


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningMesh]:
    """A mesh with small limits, and a port for stations alone."""
    with running_mesh(
        tmp_path_factory.mktemp("limited"),
        CSMS_STATION_PORT="0",
        CSMS_HTTP_CONNECTIONS=str(OPERATORS),
        CSMS_STATION_CONNECTIONS=str(STATIONS),
        CSMS_REQUESTS_PER_ADDRESS_S=str(PER_ADDRESS_S),
        CSMS_REQUEST_TIMEOUT_S=str(REQUEST_TIMEOUT_S),
    ) as running:
        yield running


def _place(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    return parts.hostname, parts.port


def _stations_url(mesh: RunningMesh) -> str:
    assert mesh.stations_url is not None
    return mesh.stations_url


def _is_closed(connection: socket.socket) -> bool:
    """Whether the other end closes a connection within a moment, before anything was sent."""
    connection.settimeout(0.5)
    try:
        return connection.recv(1) == b""
    except ConnectionError:
        return True
    except TimeoutError:
        return False


def _open_all(stack: ExitStack, place: tuple[str, int], count: int) -> int:
    """Opens connections and leaves them idle; how many of them stay open."""
    opened = [stack.enter_context(socket.create_connection(place, timeout=PATIENCE_S)) for _ in range(count)]
    with ThreadPoolExecutor(32) as threads:
        return sum(not closed for closed in threads.map(_is_closed, opened))


def _login(mesh: RunningMesh, address: str, username: str, password: str, **headers: str) -> http.client.HTTPResponse:
    """The answer to a login by REST from an address of this machine."""
    host, port = _place(mesh.http_url)
    connection = http.client.HTTPConnection(host, port, timeout=PATIENCE_S, source_address=(address, 0))
    try:
        body = json.dumps({"username": username, "password": password})
        connection.request("POST", "/v1/auth:login", body, {"content-type": "application/json", **headers})
        answer = connection.getresponse()
        answer.read()
        return answer
    finally:
        connection.close()


def _cpu_s(pid: int) -> float:
    """Seconds of CPU that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


async def test_one_operators_connections_do_not_stop_stations(limited: RunningMesh) -> None:
    """They take what operators have, and no more; stations connect and are served meanwhile."""
    with ExitStack() as stack:
        kept = await asyncio.to_thread(_open_all, stack, _place(limited.http_url), 3 * OPERATORS)
        assert kept <= OPERATORS
        async with RawStation(f"{_stations_url(limited)}/LIMIT-1") as station:
            assert (await station.boot())["status"] == "Accepted"
        assert limited.status()["parts"]["envoy"]["pid"]

    async def is_served() -> bool:
        try:
            return bool(await asyncio.to_thread(limited.token))
        except (OSError, http.client.HTTPException):
            return False

    assert await eventually(is_served)


async def test_stations_connections_do_not_stop_operators(limited: RunningMesh) -> None:
    """Idle connections and handshakes alike: beyond the limit they are closed, and operators log in."""
    url = _stations_url(limited)
    with ExitStack() as stack:
        kept = await asyncio.to_thread(_open_all, stack, _place(url), 3 * STATIONS)
        assert kept == STATIONS
        with pytest.raises((InvalidHandshake, InvalidMessage, OSError)):
            async with connect(f"{url}/LIMIT-2", subprotocols=[V16], open_timeout=PATIENCE_S):
                pass
        assert await asyncio.to_thread(limited.token)

    async def connects() -> bool:
        try:
            async with connect(f"{url}/LIMIT-2", subprotocols=[V16], open_timeout=PATIENCE_S) as station:
                return station.subprotocol == V16
        except (InvalidHandshake, InvalidMessage, OSError):
            return False

    assert await eventually(connects)


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/v1/auth:login"), ("GET", "/healthz"), ("GET", "/"), ("POST", "/csms.auth.v1.X/Y")]
)
def test_the_port_for_stations_is_for_stations(limited: RunningMesh, method: str, path: str) -> None:
    host, port = _place(_stations_url(limited))
    connection = http.client.HTTPConnection(host, port, timeout=PATIENCE_S)
    try:
        connection.request(method, path)
        assert connection.getresponse().status == 404
    finally:
        connection.close()


async def test_the_address_of_a_station_is_the_callers_at_its_port_too(limited: RunningMesh) -> None:
    forged = {"X-Envoy-External-Address": "203.0.113.7", "X-CSMS-Front-Door": "x", "X-Forwarded-For": "203.0.113.8"}
    url = f"{_stations_url(limited)}/LIMIT-3"
    authorization = f"Bearer {await asyncio.to_thread(limited.token)}"
    async with connect(url, subprotocols=[V16], additional_headers=forged, open_timeout=PATIENCE_S):
        request = partial(limited.request, "GET", "/v1/stations/LIMIT-3", authorization=authorization)
        assert (await asyncio.to_thread(request)).json["connection"]["remoteAddress"] == "127.0.0.1"


async def _slow(place: tuple[str, int], head: bytes) -> tuple[bytes, float]:
    """Sends a request byte by byte for as long as it is read; the answer, and the seconds until the end."""
    began_s, answer = time.monotonic(), bytearray()
    reader, writer = await asyncio.open_connection(*place)

    async def read() -> None:
        with suppress(ConnectionError):
            while part := await reader.read(4096):
                answer.extend(part)

    reading = asyncio.create_task(read())
    writer.write(head)
    while not answer and not reading.done() and time.monotonic() - began_s < PATIENCE_S:
        writer.write(b"x")
        await asyncio.wait([reading], timeout=0.3)
    took_s = time.monotonic() - began_s
    writer.transport.abort()
    await reading
    return bytes(answer), took_s


async def test_slow_requests_end_and_streams_and_stations_go_on(limited: RunningMesh) -> None:
    """Headers that do not end, and a body that does not. A watch and a silent station stay for longer than both."""
    http_place, station_place = _place(limited.http_url), _place(_stations_url(limited))
    token = await asyncio.to_thread(limited.token)
    body = b"POST /v1/auth:login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n{"
    async with (
        RawStation(f"{_stations_url(limited)}/LIMIT-4") as station,
        grpc.aio.insecure_channel(limited.target) as channel,
    ):
        await station.boot()
        stub = events_grpc.EventServiceStub(channel)
        watch = stub.WatchEvents(events.WatchEventsRequest(), metadata=(("authorization", f"Bearer {token}"),))
        await watch.wait_for_connection()
        slow = await asyncio.gather(
            _slow(http_place, b"GET /v1/stations HTTP/1.1\r\nHost: x\r\nX-Slow: "),
            _slow(station_place, b"GET /ocpp/SLOW HTTP/1.1\r\nHost: x\r\nX-Slow: "),
            _slow(http_place, body),
        )
        assert [answer[:12] for answer, _took_s in slow] == [b"HTTP/1.1 408"] * 3
        assert b"TOO_SLOW" in slow[2][0]
        assert all(took_s < limit for (_, took_s), limit in zip(slow, (25, 25, REQUEST_TIMEOUT_S + 15), strict=True))
        assert (await station.call("Heartbeat", {}))["currentTime"]
        async with RawStation(f"{_stations_url(limited)}/LIMIT-5") as other:
            await other.boot()

        async def news() -> str:
            async for response in watch:
                if response.event.station_id == "LIMIT-5":
                    return str(response.event.type)
            return ""

        assert (await asyncio.wait_for(news(), PATIENCE_S)).startswith("station.")
        watch.cancel()


def test_requests_of_one_address_are_limited_and_those_of_others_are_not(limited: RunningMesh) -> None:
    """By REST with 429, a reason and a hint, over gRPC with RESOURCE_EXHAUSTED; stations' handshakes are exempt."""
    host, port = _place(limited.http_url)
    connection = http.client.HTTPConnection(host, port, timeout=PATIENCE_S, source_address=(OTHER, 0))
    met: Counter[int] = Counter()
    for _ in range(5 * BURST):
        connection.request("GET", "/v1/stations")
        answer = connection.getresponse()
        text = answer.read()
        met[answer.status] += 1
        if answer.status == 429:
            break
    assert met[401] >= BURST
    assert (answer.status, answer.headers["retry-after"]) == (429, "1")
    error = json.loads(text)
    assert (error["code"], error["details"][0]["reason"]) == (8, "TOO_MANY_REQUESTS")
    connection.request("GET", "/ocpp/LIMIT-6")
    assert connection.getresponse().read() is not None
    connection.close()
    assert limited.log_in()  # from another address


def test_files_of_the_dashboard_do_not_count_as_requests_of_an_address(limited: RunningMesh) -> None:
    """Several people behind one address open it at once, and are served without the services behind the front door."""
    host, port = _place(limited.http_url)
    connection = http.client.HTTPConnection(host, port, timeout=PATIENCE_S, source_address=(READER, 0))

    def status(path: str, accept: str) -> int:
        connection.request("GET", path, headers={"accept": accept})
        answer = connection.getresponse()
        answer.read()
        return answer.status

    assert {status(path, "text/html") for path in ("/", "/licenses.txt", "/stations") for _ in range(2 * BURST)} == {
        200
    }
    assert status("/v1/stations", "*/*") == 401
    connection.close()


def test_grpc_callers_of_an_address_that_calls_too_often_get_a_status_with_its_reason(limited: RunningMesh) -> None:
    with grpc.insecure_channel(limited.target) as channel:
        stub = user_service_pb2_grpc.UserServiceStub(channel)
        reasons = set()
        for _ in range(5 * BURST):
            try:
                stub.GetKeySet(user_service_pb2.GetKeySetRequest(), timeout=PATIENCE_S)
            except grpc.RpcError as error:
                found = from_rpc_error(error)
                reasons.add((found.code, str(found.reason)))
                break
    assert reasons == {(grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_REQUESTS")}


def test_a_thousand_names_from_one_address_cost_little_and_lock_nobody_out(mesh: RunningMesh) -> None:
    """Through Envoy, with argon2id's real cost: 1,000 verifications would take minutes of CPU."""
    assert _login(mesh, "127.0.0.1", "admin", mesh.admin_password).status == 200
    pid = mesh.pid("auth_svc")
    before_s, began_s = _cpu_s(pid), time.monotonic()
    met: Counter[int] = Counter()
    with ThreadPoolExecutor(8) as threads:
        names = (f"made-up-{number}" for number in range(1_000))
        attempts = threads.map(lambda name: _login(mesh, ATTACKER, name, "wrong horse").status, names)
        for number, status in enumerate(attempts):
            met[status] += 1
            if number % 200 == 100:
                assert _login(mesh, "127.0.0.1", "admin", mesh.admin_password).status == 200
    cpu_s, took_s = _cpu_s(pid) - before_s, time.monotonic() - began_s
    assert set(met) == {401, 429}
    assert met[401] <= PER_SOURCE.burst + took_s * PER_SOURCE.per_s + 1
    assert _login(mesh, "127.0.0.1", "admin", mesh.admin_password).status == 200
    assert cpu_s < 40, met
    print(f"1,000 made-up names: {met[401]} verified, {cpu_s:.1f} s of CPU in {took_s:.1f} s")  # noqa: T201


def test_wrong_logins_from_one_address_do_not_lock_admin_out_elsewhere(mesh: RunningMesh) -> None:
    """The addresses that the attacker names in headers count for nothing."""
    met: Counter[int] = Counter()
    for number in range(3 * FREE):
        forged = {"X-Envoy-External-Address": f"203.0.113.{number}", "X-Forwarded-For": f"203.0.113.{number}"}
        met[_login(mesh, FORGER, "admin", "wrong horse", **forged).status] += 1
    assert met[429] > FREE
    assert _login(mesh, "127.0.0.1", "admin", mesh.admin_password).status == 200

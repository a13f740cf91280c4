"""Server-sent events at the front door: as browsers and curl read them."""

import asyncio
import http.client
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.gateway.raw_station import RawStation
from tests.openapi.test_document import operation, reasons
from tests.running_mesh import RunningMesh
from tests.waiting import until

WATCH = "/v1/events:watch"
Bearer = dict[str, str]
WITHIN_S = 5.0
MARGIN_S = 1.0
PASSWORD = "a long and quiet secret"


class Stream:
    """A stream that is read part by part, as EventSource does."""

    def __init__(self, answer: http.client.HTTPResponse) -> None:
        self.headers = {name.lower(): value for name, value in answer.getheaders()}
        self._answer = answer

    def part(self) -> dict[str, str]:
        """The fields of the next part, comments under the name ``; empty at the end."""
        found: dict[str, str] = {}
        while line := self._answer.readline().decode().removesuffix("\n"):
            name, _, value = line.partition(":")
            found[name] = value.removeprefix(" ")
        return found

    def event(self) -> dict[str, str]:
        """The next part that is an event."""
        while (part := self.part()) and "data" not in part:
            pass
        return part


@contextmanager
def opened(mesh: RunningMesh, query: str = "", **headers: str) -> Iterator[Stream]:
    """A stream that has begun."""
    host, _, port = mesh.target.rpartition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=60)
    try:
        connection.request("GET", WATCH + query, headers={"accept": "text/event-stream", **headers})
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()
        yield Stream(answer)
        answer.close()
    finally:
        connection.close()


def ticket(mesh: RunningMesh, bearer: Bearer) -> str:
    """A new ticket of a caller."""
    made = mesh.request("POST", "/v1/events:createWatchTicket", body={}, **bearer)
    assert made.status == 200, made
    return str(made.json["ticket"])


@pytest.fixture
def viewer(mesh: RunningMesh, bearer: Bearer) -> Callable[[str], Bearer]:
    """Makes a user who may read, and logs in."""

    def make(name: str) -> Bearer:
        body = {"username": name, "password": PASSWORD}
        assert mesh.request("POST", "/v1/auth:register", body=body, **bearer).status == 200
        token = mesh.request("POST", "/v1/auth:login", body=body).json["accessToken"]
        return {"authorization": f"Bearer {token}"}

    return make


async def test_a_browser_with_a_ticket_sees_events_as_they_happen(mesh: RunningMesh, bearer: Bearer) -> None:
    def read() -> tuple[Stream, dict[str, str]]:
        with opened(mesh, f"?filter=station_id%3D%22FD-SSE-1%22&ticket={ticket(mesh, bearer)}") as stream:
            begun.append(stream.part()[""])
            return stream, stream.event()

    begun: list[str] = []
    reading = asyncio.create_task(asyncio.to_thread(read))
    assert await until(lambda: begun) == ["open"]
    async with RawStation(f"{mesh.ocpp_url}/FD-SSE-1") as station:
        await station.boot()
        stream, event = await asyncio.wait_for(reading, 60)
    assert stream.headers["content-type"] == "text/event-stream"
    assert stream.headers["cache-control"] == "no-store"
    assert event["event"] == json.loads(event["data"])["type"]
    assert event["id"] == json.loads(event["data"])["cursor"]


def test_the_last_event_id_goes_on_where_it_was(mesh: RunningMesh, bearer: Bearer, station_id: str) -> None:
    for name in ("one", "two", "three"):
        body = {"siteId": f"sse-{name}"}
        assert mesh.request("POST", "/v1/sites", body=body, **bearer).status == 200
    listed = [each["cursor"] for each in mesh.request("GET", "/v1/events?pageSize=1000", **bearer).json["events"]]
    with opened(mesh, "?afterCursor=0", **bearer) as stream:
        first = stream.event()["id"]
    found = [first]
    while len(found) < min(len(listed), 5):
        with opened(mesh, "?afterCursor=0", **bearer, **{"last-event-id": found[-1]}) as stream:
            found.append(stream.event()["id"])
    assert found == listed[: len(found)]


REFUSED: list[tuple[str, Bearer, int, str]] = [
    ("", {}, 401, "INVALID_TOKEN"),
    ("?ticket=", {}, 401, "INVALID_TOKEN"),
    ("?ticket=nothing", {}, 401, "INVALID_TICKET"),
    ("", {"authorization": "Bearer a.b.c"}, 401, "INVALID_TOKEN"),
    ("", {"x-api-key": f"csms_{'a' * 8}_{'b' * 43}"}, 401, "INVALID_API_KEY"),
]


@pytest.mark.parametrize(("query", "headers", "status", "reason"), REFUSED)
def test_without_proof_there_is_no_stream(
    mesh: RunningMesh, query: str, headers: Bearer, status: int, reason: str
) -> None:
    answer = mesh.request("GET", WATCH + query, **headers)
    assert (answer.status, answer.reason) == (status, reason)
    assert answer.headers["content-type"] == "application/json"
    assert reason in reasons(operation("EventService_StreamEvents")["responses"][str(status)])


@pytest.mark.parametrize(
    ("query", "last", "reason"),
    [
        ("?afterCursor=999999999", "", "INVALID_CURSOR"),
        ("?afterCursor=x", "", "INVALID_REQUEST"),
        ("", "x", "INVALID_CURSOR"),
        ("?filter=nothing%3D1", "", "INVALID_FILTER"),
        ("?unknown=1", "", "INVALID_REQUEST"),
    ],
)
def test_an_error_at_the_start_has_its_status(
    mesh: RunningMesh, bearer: Bearer, query: str, last: str, reason: str
) -> None:
    answer = mesh.request("GET", WATCH + query, **bearer, **({"last-event-id": last} if last else {}))
    assert (answer.status, answer.reason) == (400, reason)
    assert answer.headers["content-type"] == "application/json"
    assert reason in reasons(operation("EventService_StreamEvents")["responses"]["400"])


def test_a_ticket_is_used_up_and_in_no_log(mesh: RunningMesh, bearer: Bearer) -> None:
    made = ticket(mesh, bearer)
    with opened(mesh, f"?ticket={made}") as stream:
        assert stream.part()[""] == "open"
    again = mesh.request("GET", f"{WATCH}?ticket={made}")
    assert (again.status, again.reason) == (401, "INVALID_TICKET")
    until_s = time.monotonic() + 60
    logs = mesh.data_dir / "logs"
    while WATCH not in (logs / "envoy.log").read_text():
        assert time.monotonic() < until_s
    assert all(made not in path.read_text() for path in logs.glob("*.log"))


@pytest.mark.parametrize("by_ticket", [True, False], ids=["ticket", "token"])
async def test_a_sign_in_that_ends_ends_its_streams(
    mesh: RunningMesh, bearer: Bearer, viewer: Callable[[str], Bearer], *, by_ticket: bool
) -> None:
    """Within 5 s, and the reader learns why, though the status was sent long before."""
    name = f"sse-{by_ticket}".lower()
    own = await asyncio.to_thread(viewer, name)
    query, headers = (f"?ticket={ticket(mesh, own)}", {}) if by_ticket else ("", own)

    def read() -> tuple[dict[str, str], dict[str, str], float]:
        with opened(mesh, f"{query}{'&' if query else '?'}filter=type%3D%22never%22", **headers) as stream:
            begun.append(stream.part())
            return stream.event(), stream.part(), time.monotonic()

    begun: list[Any] = []
    reading = asyncio.create_task(asyncio.to_thread(read))
    await until(lambda: begun)
    ended_s = time.monotonic()
    ended = await asyncio.to_thread(mesh.request, "DELETE", f"/v1/users/{name}", **bearer)
    assert ended.status == 200, ended
    error, after, at_s = await asyncio.wait_for(reading, 60)
    assert error["event"] == "error"
    assert json.loads(error["data"])["details"][0]["reason"] == "INVALID_TOKEN"
    assert after == {}  # the end
    assert at_s - ended_s < WITHIN_S + MARGIN_S


def test_headers_that_grpc_has_not_are_no_fault_of_the_service(mesh: RunningMesh, bearer: Bearer) -> None:
    """HTTP allows them, and gRPC would fail the call: they are left out."""
    for headers in ({"x~y": "1"}, {"x-name": "Größe"}, {"x-bytes-bin": "no base64!"}):
        host, _, port = mesh.target.rpartition(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=60)
        connection.request("GET", "/v1/stations", headers={**bearer, **headers})
        answer = connection.getresponse()
        assert (answer.status, json.loads(answer.read()).keys()) == (200, {"stations", "nextPageToken"}), headers
        connection.close()

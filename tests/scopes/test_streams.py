"""Events as they happen, for watchers who are limited to a part of a tenant."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from csms.event.v1.event_service_pb2 import ListEventsRequest, StreamEventsRequest, WatchEventsRequest
from csms.event.v1.event_service_pb2_grpc import EventServiceStub

from tests.scoped_callers import WHOLE, limited_to
from tests.scopes.rig import BERLIN, BONN, ScopedMesh

IN_BERLIN = limited_to("berlin")


@asynccontextmanager
async def _watch(scoped_mesh: ScopedMesh, metadata: Any, wanted: str = "") -> AsyncIterator[Any]:
    stub = EventServiceStub(scoped_mesh.channels["notification"])
    call = stub.WatchEvents(WatchEventsRequest(filter=wanted), metadata=metadata)
    try:
        await asyncio.wait_for(call.wait_for_connection(), 60)
        yield call
    finally:
        call.cancel()


async def _stations(call: Any, count: int) -> list[str]:
    found: list[str] = []
    while len(found) < count:
        response = await asyncio.wait_for(call.read(), 60)
        if response.HasField("event"):
            found.append(response.event.station_id)
    return found


async def test_a_watch_shows_events_of_the_scope_alone(scoped_mesh: ScopedMesh) -> None:
    """Neither those of other stations, nor those of none."""
    async with _watch(scoped_mesh, IN_BERLIN) as limited, _watch(scoped_mesh, WHOLE) as whole:
        await scoped_mesh.report(BONN, "", BERLIN, BONN)
        await scoped_mesh.report(BONN, BERLIN)
        assert await _stations(limited, 2) == [BERLIN, BERLIN]
        assert await _stations(whole, 6) == [BONN, "", BERLIN, BONN, BONN, BERLIN]


async def _body(call: Any) -> str:
    """The next part of a streamed body."""
    body = await asyncio.wait_for(call.read(), 60)
    return bytes(body.data).decode()


async def test_a_stream_for_rest_shows_events_of_the_scope_alone(scoped_mesh: ScopedMesh) -> None:
    stub = EventServiceStub(scoped_mesh.channels["notification"])
    call = stub.StreamEvents(StreamEventsRequest(), metadata=IN_BERLIN)
    try:
        assert (await _body(call)).startswith(": open")
        await scoped_mesh.report(BONN, "", BERLIN, BONN, BERLIN)
        found: list[str] = []
        while len(found) < 2:
            text = await _body(call)
            if text.startswith("id: "):  # else a comment, on a machine that is busy
                found.append(json.loads(text.partition("data: ")[2])["stationId"])
        assert found == [BERLIN, BERLIN]
    finally:
        call.cancel()


async def test_a_station_that_moves_leaves_one_watch_and_enters_another(scoped_mesh: ScopedMesh) -> None:
    async with _watch(scoped_mesh, IN_BERLIN) as berlin, _watch(scoped_mesh, limited_to("bonn")) as bonn:
        await scoped_mesh.report(BERLIN)
        assert await _stations(berlin, 1) == [BERLIN]
        await scoped_mesh.move_station(BERLIN, "bonn")
        await scoped_mesh.move_station(BONN, "garage")
        await scoped_mesh.publisher.publish()
        await scoped_mesh.report(BERLIN, BONN)
        assert await _stations(berlin, 1) == [BONN]
        assert await _stations(bonn, 1) == [BERLIN]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [("site:bonn", [BONN]), ("labels.region:east", [BERLIN]), ("labels.fleet:taxis", [BONN]), ("site:none", [])],
)
async def test_a_watch_and_a_list_are_limited_by_a_filter(
    scoped_mesh: ScopedMesh, wanted: str, found: Sequence[str]
) -> None:
    stub = EventServiceStub(scoped_mesh.channels["notification"])
    async with _watch(scoped_mesh, WHOLE, f'{wanted} OR station_id = ""') as call:
        await scoped_mesh.report(BERLIN, BONN, "")
        assert await _stations(call, len(found) + 1) == [*found, ""]
    response = await stub.ListEvents(ListEventsRequest(filter=wanted), metadata=WHOLE)
    assert [event.station_id for event in response.events] == [*found, *found]

"""Streams at the front door: events as they happen, over gRPC and gRPC-web, for as long as somebody watches."""

import asyncio
import http.client
import struct

import grpc
from csms.event.v1 import event_service_pb2 as events
from csms.event.v1 import event_service_pb2_grpc as events_grpc

from tests.gateway.raw_station import RawStation
from tests.running_mesh import RunningMesh

WATCH = "/csms.event.v1.EventService/WatchEvents"


async def _boot(mesh: RunningMesh, station_id: str) -> None:
    """A charge point comes, which is news."""
    async with RawStation(f"{mesh.ocpp_url}/{station_id}") as station:
        await station.boot()


async def test_a_watch_over_grpc(mesh: RunningMesh, bearer: dict[str, str]) -> None:
    """The stream is open before anything happens, and delivers it when it does."""
    async with grpc.aio.insecure_channel(mesh.target) as channel:
        stream = events_grpc.EventServiceStub(channel).WatchEvents(
            events.WatchEventsRequest(after_cursor=0), metadata=tuple(bearer.items())
        )
        await _boot(mesh, "FD-WATCH-1")

        async def find() -> str:
            async for response in stream:
                if response.event.station_id == "FD-WATCH-1":
                    return str(response.event.type)
            return ""

        assert (await asyncio.wait_for(find(), 60)).startswith("station.")
        stream.cancel()


async def test_a_watch_over_grpc_web(mesh: RunningMesh, bearer: dict[str, str]) -> None:
    """Each event leaves as it comes, and is not held back until the end."""
    await _boot(mesh, "FD-WATCH-2")
    found = await asyncio.wait_for(asyncio.to_thread(_first_event, mesh, bearer), 120)
    assert found.event_id


def _first_event(mesh: RunningMesh, bearer: dict[str, str]) -> events.Event:
    """The first frame of a stream that does not end."""
    message = events.WatchEventsRequest(after_cursor=0).SerializeToString()
    host, _, port = mesh.target.rpartition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=60)
    try:
        connection.request(
            "POST",
            WATCH,
            b"\0" + struct.pack(">I", len(message)) + message,
            {"content-type": "application/grpc-web+proto", "x-grpc-web": "1", **bearer},
        )
        answer = connection.getresponse()
        assert answer.status == 200
        kind, length = struct.unpack(">BI", answer.read(5))
        assert kind == 0
        response = events.WatchEventsResponse.FromString(answer.read(length))
        answer.close()
        return response.event
    finally:
        connection.close()

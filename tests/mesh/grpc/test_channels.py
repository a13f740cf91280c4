"""A connection between two processes of the mesh that has died without a word."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from mesh.grpc.channels import open_channel
from mesh.grpc.servers import GrpcServer, mesh_server
from tests.mesh_identities import identity_of
from tests.waiting import PATIENCE_S, eventually


class Middlebox:
    """Passes bytes on to a port, until it forgets the connections that it knows: then theirs go nowhere."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._forgotten: set[asyncio.Event] = set()
        self._known: set[asyncio.Event] = set()
        self._serving: set[asyncio.Task[None]] = set()
        self.connections = 0

    def forget(self) -> None:
        """Nothing more goes through, and no end is notified."""
        for known in self._known:
            known.set()

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self._serving.add(asyncio.create_task(self._serve(reader, writer)))

    async def close(self) -> None:
        """Ends all connections, the forgotten ones too."""
        for serving in self._serving:
            serving.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        forgotten = asyncio.Event()
        self._known.add(forgotten)
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            await asyncio.gather(_pass(reader, far_writer, forgotten), _pass(far_reader, writer, forgotten))
        finally:
            for end in (far_writer, writer):
                end.close()
                with suppress(OSError):
                    await end.wait_closed()


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, forgotten: asyncio.Event) -> None:
    while data := await reader.read(65_536):
        if not forgotten.is_set():
            writer.write(data)


@asynccontextmanager
async def _through(server: GrpcServer) -> AsyncIterator[tuple[Middlebox, int]]:
    middlebox = Middlebox(server.port)
    listener = await asyncio.start_server(middlebox.accept, "127.0.0.1", 0)
    try:
        yield middlebox, listener.sockets[0].getsockname()[1]
    finally:
        listener.close()
        await middlebox.close()


@pytest.fixture
async def server() -> AsyncIterator[GrpcServer]:
    """One that says that it is well."""
    server = mesh_server("127.0.0.1:0", identity=identity_of("station"), services=())
    await server.start()
    yield server
    await server.stop(0)


async def test_a_connection_that_is_forgotten_on_its_way_is_made_anew(
    server: GrpcServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Calls time out for a moment, and not for as long as TCP sends into the void."""
    monkeypatch.setattr("mesh.grpc.channels.PING_EVERY_MS", 100)
    monkeypatch.setattr("mesh.grpc.channels.PONG_WITHIN_MS", 500)
    async with (
        _through(server) as (middlebox, port),
        open_channel(f"127.0.0.1:{port}", identity=identity_of("gateway"), to="station") as channel,
    ):
        stub = health_pb2_grpc.HealthStub(channel)

        async def answers(timeout_s: float = PATIENCE_S) -> bool:
            try:
                await stub.Check(health_pb2.HealthCheckRequest(), timeout=timeout_s)
            except grpc.aio.AioRpcError:
                return False
            return True

        await eventually(answers)
        before = middlebox.connections
        middlebox.forget()
        assert not await answers(0.5)
        await eventually(answers)
        assert middlebox.connections > before

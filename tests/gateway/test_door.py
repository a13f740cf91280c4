"""Who was not let in costs the gateway nothing, and whatever becomes of a handshake, no connection is left behind.

Raw clients at a real gateway, with the real services behind it; beside them a station that must not notice.
"""

import asyncio
import gc
import socket
import sqlite3
import struct
import zlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, closing
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self

import grpc
import pytest
from csms.station.v1 import station_ingest_service_pb2 as ingest
from csms.station.v1 import station_service_pb2
from websockets.asyncio.server import ServerConnection
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.protocol import OPEN
from websockets.server import ServerProtocol

from gateway.batching.ingest_batcher import IngestBatcher
from gateway.connection.keepalive_monitor import BLOCKED_S
from gateway.connection.session import Session
from gateway.websocket.server import StationServer
from gateway.websocket.socket import EARLY_BYTES, StationSocket
from station_svc.ingest.admission import Admission
from tests.gateway.raw_station import RawStation
from tests.gateway.rig import TIMEOUT_S, MeshRig, running_mesh
from tests.gateway.websocket_frames import PING, frame
from tests.waiting import eventually, until

MIB = 1024 * 1024
UPGRADE = ("Upgrade: websocket", "Connection: Upgrade")
KEY = ("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13")
DEFLATE = "Sec-WebSocket-Extensions: permessage-deflate"
V16 = "Sec-WebSocket-Protocol: ocpp1.6"


def request(path: str, *headers: str, method: str = "GET", body: bytes = b"") -> bytes:
    """An HTTP request."""
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *headers, "", ""]).encode() + body


def handshake(station_id: str, *more: str) -> bytes:
    """A request that opens a WebSocket."""
    return request(f"/ocpp/{station_id}", *UPGRADE, *KEY, *(more or (V16,)))


class Caller:
    """Writes bytes, and reads an answer."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def head(self) -> str:
        """The head of the answer; empty where the connection ended without one."""
        async with asyncio.timeout(TIMEOUT_S):
            try:
                return (await self.reader.readuntil(b"\r\n\r\n")).decode()
            except (asyncio.IncompleteReadError, ConnectionError):
                return ""

    def reset(self) -> None:
        """Ends the connection without a word (TCP RST)."""
        linger = struct.pack("ii", 1, 0)
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.writer.transport.abort()


@asynccontextmanager
async def calling(mesh: MeshRig, data: bytes) -> AsyncIterator[Caller]:
    """A connection that begins with `data`."""
    reader, writer = await asyncio.open_connection("127.0.0.1", mesh.ocpp_port)
    try:
        writer.write(data)
        yield Caller(reader, writer)
    finally:
        writer.close()


async def status_of(mesh: MeshRig, data: bytes) -> int:
    """The HTTP status of the answer to a request; 0 where there is none."""
    async with calling(mesh, data) as caller:
        head = await caller.head()
    return int(head.split()[1]) if head else 0


@pytest.fixture
async def victim(mesh: MeshRig) -> AsyncIterator[RawStation]:
    """A well-behaved station; at the end it must still be served on the same socket, and count as connected."""
    async with RawStation(mesh.station_url("VICTIM")) as station:
        await station.boot()
        epoch = await mesh.epoch("VICTIM")
        yield station
        assert "currentTime" in await station.call("Heartbeat", {})
        assert await mesh.epoch("VICTIM") == epoch
        assert await mesh.is_connected("VICTIM")


async def _is_registered(mesh: MeshRig, station_id: str) -> bool:
    try:
        await mesh.is_connected(station_id)
    except grpc.aio.AioRpcError as error:
        if error.code() is not grpc.StatusCode.NOT_FOUND:
            raise
        return False
    return True


def _session(mesh: MeshRig, station_id: str) -> Session:
    return next(one for one in mesh.gateway.registry if one.connection.station_id == station_id)


def _server(mesh: MeshRig) -> Any:
    """The server of the mesh's own gateway; those of earlier tests may be there still."""
    servers: list[Any] = [each for each in gc.get_objects() if type(each) is StationServer]
    return next(each for each in servers if each._sessions._registry is mesh.gateway.registry)


def _sockets() -> Sequence[StationSocket]:
    return [each for each in gc.get_objects() if type(each) is StationSocket and not each.is_lost]


def _plain_deflated(data: bytes) -> bytes:
    compressor = zlib.compressobj(9, wbits=-15)
    return compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH)


# The request


NO_HANDSHAKES = (
    (request("/ocpp/VICTIM"), 426),
    (request("/ocpp/VICTIM", *KEY), 426),
    (request("/ocpp/VICTIM", *UPGRADE), 400),
    (request("/ocpp/VICTIM", *UPGRADE, KEY[0], "Sec-WebSocket-Version: 8"), 400),
    (request("/ocpp/VICTIM", *UPGRADE, "Sec-WebSocket-Key: short", KEY[1]), 400),
    (request("/ocpp/VICTIM", *UPGRADE, *KEY, V16, DEFLATE + "; =;"), 400),
    (request("/ocpp/VICTIM", *UPGRADE, *KEY, "Authorization: Basic eDp4", "Authorization: Basic eDp4"), 400),
    (request("/ocpp/VICTIM", *UPGRADE, *KEY, "Authorization: Basic !"), 401),
    (request("/ocpp/VICTIM", method="HEAD"), 405),
    (request("/ocpp/VICTIM", "Content-Length: 4", method="POST", body=b"body"), 405),
    (request("/ocpp/VICTIM", "Transfer-Encoding: chunked", method="PUT", body=b"0\r\n\r\n"), 405),
    (request("/ocpp/VICTIM", *UPGRADE, *KEY, "Content-Length: 4", body=b"body"), 400),
    (request("/ocpp/" + "x" * 20_000, *UPGRADE, *KEY), 414),
    (request("/ocpp/VICTIM", *UPGRADE, *KEY, "X: " + "x" * 20_000), 431),
    (b"nonsense\r\n\r\n", 400),
    (b"\x16\x03\x01\x02\x00\r\n\r\n", 400),
)


@pytest.mark.usefixtures("victim")
async def test_a_request_is_checked_whole_before_anything_is_asked(
    mesh: MeshRig, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each has its own answer and no trace; the station whose name it uses does not notice."""
    for data, status in NO_HANDSHAKES:
        for pieces in ([data], [data[:1], data[1:-3], data[-3:-1], data[-1:]]):
            async with calling(mesh, b"") as caller:
                for piece in pieces:
                    caller.writer.write(piece)
                    await asyncio.sleep(0)
                assert (await caller.head()).split()[1:2] == [f"{status}"], data
    assert "Traceback" not in capsys.readouterr().out


async def test_a_plain_get_registers_nothing(mesh: MeshRig) -> None:
    """Not even where stations nobody registered may come in."""
    assert await status_of(mesh, request("/ocpp/STRANGER")) == 426
    assert await status_of(mesh, request("/ocpp/STRANGER", *UPGRADE, *KEY, "Sec-WebSocket-Protocol: soap")) == 101
    assert not await _is_registered(mesh, "STRANGER")
    assert await status_of(mesh, handshake("STRANGER")) == 101
    assert await _is_registered(mesh, "STRANGER")


# Before a station is admitted


async def test_nothing_is_read_from_who_speaks_no_version_of_ours(mesh: MeshRig) -> None:
    """No compression is agreed on, and none of what comes is parsed: 205 KiB made 200 MiB."""
    bombs = frame(_plain_deflated(b"x" * MIB), rsv=0x40) * 200
    async with calling(mesh, handshake("CP1", "Sec-WebSocket-Protocol: soap", DEFLATE) + bombs) as caller:
        head = await caller.head()
        assert " 101 " in head
        assert "Sec-WebSocket-Protocol" not in head
        assert "Sec-WebSocket-Extensions" not in head
        for each in _sockets():
            assert not each._fragments
            assert len(each._rest) <= EARLY_BYTES + 256 * 1024
        close = await caller.reader.readexactly(4)
        assert close[:1] == b"\x88"
        assert int.from_bytes(close[2:4], "big") == 1002
        caller.writer.close()
        await until(lambda: not _sockets())


class Held:
    """Openings whose answers are held until they are released. Use as a context manager."""

    def __init__(self, batcher: IngestBatcher[Any, Any]) -> None:
        self._send = batcher._send
        self.asked = asyncio.Event()
        self.released = asyncio.Event()
        self.answers = 0
        batcher._send = self._hold

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.released.set()

    async def _hold(self, items: Sequence[bytes]) -> Sequence[Any]:
        results = await self._send(items)
        self.asked.set()
        await self.released.wait()
        self.answers += len(results)
        return results


async def test_what_comes_early_is_bounded_in_bytes(mesh: MeshRig) -> None:
    """As it came, compressed or not; the rest stays in the kernel's buffers, and none of it is lost."""
    beat = frame(b'[2,"1","Heartbeat",{}]')
    count = 4 * MIB // len(beat)
    with Held(mesh.gateway.mesh.openings) as held:
        async with calling(mesh, handshake("CP1")) as caller:
            await held.asked.wait()
            sending = asyncio.ensure_future(_write(caller, b"".join([beat] * count)))
            await until(lambda: _sockets()[0]._pauses)
            [early] = _sockets()
            assert len(early._rest) <= EARLY_BYTES + 256 * 1024
            held.released.set()
            assert " 101 " in await caller.head()
            for _ in range(2_000):
                assert (await caller.reader.readexactly(2))[0] == 0x81
                await caller.reader.readuntil(b"}]")
            caller.reset()
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)


async def _write(caller: Caller, data: bytes) -> None:
    caller.writer.write(data)
    await caller.writer.drain()


# No connection without a socket


async def test_a_connection_lost_while_station_svc_is_asked(mesh: MeshRig) -> None:
    """Its epoch is closed as soon as it is known: a fleet that times out left one each."""
    with Held(mesh.gateway.mesh.openings) as held:
        async with calling(mesh, handshake("CP1")) as caller:
            await held.asked.wait()
            assert await mesh.is_connected("CP1")
            caller.reset()
            await until(lambda: not _sockets())
        held.released.set()
        await eventually(lambda: mesh.is_disconnected("CP1"))
        assert len(mesh.gateway.registry) == 0
        async with RawStation(mesh.station_url("CP1")) as station:
            assert (await station.boot())["status"] == "Accepted"


async def test_a_reset_right_after_the_handshake(mesh: MeshRig, capsys: pytest.CaptureFixture[str]) -> None:
    """At whatever moment: 9 of 12 left a connection that no socket had."""

    async def is_gone(station_id: str) -> bool:
        return not await _is_registered(mesh, station_id) or await mesh.is_disconnected(station_id)

    for turns in (0, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144):
        async with calling(mesh, handshake(f"CP{turns}")) as caller:
            for _ in range(turns):
                await asyncio.sleep(0)
            caller.reset()
    await until(lambda: not _sockets())
    await until(lambda: not mesh.gateway.mesh.openings.depth and not len(mesh.gateway.registry))
    for turns in (0, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144):
        await eventually(partial(is_gone, f"CP{turns}"))
    assert "Traceback" not in capsys.readouterr().out


async def test_a_connection_lost_while_it_is_not_read(mesh: MeshRig) -> None:
    """The kernel reports nothing as long as nothing is read: the watch asks."""
    async with calling(mesh, handshake("CP1")) as caller:
        assert " 101 " in await caller.head()
        await until(lambda: len(mesh.gateway.registry))
        held: Any = _session(mesh, "CP1")._socket
        held.pause_reading()
        await mesh.gateway.keepalive_monitor.sweep()
        assert len(mesh.gateway.registry) == 1  # what is there still is left alone
        caller.writer.write(frame(b'[2,"1","Heartbeat",{}]'))
        caller.reset()

        async def is_noticed() -> bool:
            await mesh.gateway.keepalive_monitor.sweep()
            return not len(mesh.gateway.registry)

        await eventually(is_noticed)
    await eventually(lambda: mesh.is_disconnected("CP1"))


async def test_a_connection_that_no_socket_has_is_closed_by_the_first_command(mesh: MeshRig) -> None:
    """Where the answer to an opening never came, the gateway learns of it when it is asked for that socket."""
    item = ingest.OpenConnectionItem(station_id="CP1", node_id=mesh.gateway.lease.node_id, ocpp_version="1.6")
    await mesh.gateway.mesh.openings.ask(item, deadline_s=asyncio.get_running_loop().time() + TIMEOUT_S)
    assert await mesh.is_connected("CP1")
    with pytest.raises(grpc.aio.AioRpcError):
        await mesh.send_call("CP1", "ClearCache", {})
    await eventually(lambda: mesh.is_disconnected("CP1"))


async def test_an_opening_that_was_committed_without_an_answer(
    mesh: MeshRig, victim: RawStation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The handshake is given up; once station_svc answers again its connection is closed, by itself."""
    del victim
    monkeypatch.setattr("gateway.websocket.admissions.OPENING_BUDGET_S", 0.3)
    monkeypatch.setattr("gateway.batching.mesh_client.ATTEMPT_TIMEOUT_S", 0.2)
    mesh.station_answers.hold()
    async with calling(mesh, handshake("CP1")) as caller:
        assert " 503 " in await caller.head()
    assert await mesh.is_connected("CP1")
    monkeypatch.undo()
    mesh.station_answers.release()
    await eventually(lambda: mesh.is_disconnected("CP1"))
    async with RawStation(mesh.station_url("CP1")) as station:
        assert (await station.boot())["status"] == "Accepted"
        assert await mesh.is_connected("CP1")


async def test_an_opening_that_is_committed_after_its_closing(mesh: MeshRig, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is closed again some times later: nothing else would ever tell station_svc of it."""
    monkeypatch.setattr("gateway.websocket.admissions.OPENING_BUDGET_S", 0.3)
    monkeypatch.setattr("gateway.batching.mesh_client.ATTEMPT_TIMEOUT_S", 0.2)
    again: list[Callable[[], None]] = []
    noted: list[Any] = []
    server = _server(mesh)
    flush = server._sessions._closings._buffer._flush

    async def flush_and_note(items: Any) -> None:
        await flush(items)
        noted.extend(items)

    monkeypatch.setattr(server._admissions._unanswered, "_call_later", lambda _delay_s, work: again.append(work))
    monkeypatch.setattr(server._sessions._closings._buffer, "_flush", flush_and_note)
    admit, released, admitted = Admission.admit, asyncio.Event(), []

    async def admit_late(*arguments: Any) -> Any:
        async def work() -> Any:
            await released.wait()
            return await admit(*arguments)

        admitted.append(asyncio.ensure_future(work()))
        return await asyncio.shield(admitted[-1])  # station_svc goes on, though its caller is gone

    monkeypatch.setattr(Admission, "admit", admit_late)
    async with calling(mesh, handshake("CP1")) as caller:
        assert " 503 " in await caller.head()
    await until(lambda: noted)
    released.set()
    await asyncio.gather(*admitted)
    assert await mesh.is_connected("CP1")
    again.pop(0)()
    await eventually(lambda: mesh.is_disconnected("CP1"))
    monkeypatch.setattr(Admission, "admit", admit)
    async with RawStation(mesh.station_url("CP1")) as station:
        await station.boot()
        for close in again:
            close()
        await until(lambda: len(noted) == 2 + len(again))
        assert await mesh.is_connected("CP1")


async def test_an_opening_whose_first_answer_was_lost(mesh: MeshRig, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second attempt finds the connection that the first one opened: one socket, one epoch."""
    monkeypatch.setattr("gateway.batching.mesh_client.ATTEMPT_TIMEOUT_S", 0.2)
    mesh.station_answers.hold()
    async with calling(mesh, handshake("CP1")) as caller:
        await until(mesh.gateway.mesh.openings.unavailable_for_s)
        mesh.station_answers.release()
        assert " 101 " in await caller.head()
        await until(lambda: len(mesh.gateway.registry))
        [session] = mesh.gateway.registry
        assert session.connection.epoch == await mesh.epoch("CP1") == 1


async def test_a_command_closes_no_connection_whose_handshake_is_under_way(mesh: MeshRig) -> None:
    """station_svc knows of it before the socket does."""
    with Held(mesh.gateway.mesh.openings) as held:
        async with calling(mesh, handshake("CP1")) as caller:
            await held.asked.wait()
            with pytest.raises(grpc.aio.AioRpcError):
                await mesh.send_call("CP1", "ClearCache", {})
            held.released.set()
            assert " 101 " in await caller.head()
            await until(lambda: len(mesh.gateway.registry))
            assert await mesh.is_connected("CP1")


# The lease


async def test_a_gateway_that_lost_its_lease_answers_nobody(mesh: MeshRig) -> None:
    """Its stations may be another's by now: the answer that was on its way is not given, and the socket ends."""
    async with RawStation(mesh.station_url("CP1")) as station:
        await station.boot()
        mesh.transaction_service.hold()
        await station.send('[2,"s","StartTransaction",{"connectorId":1,"idTag":"T","meterStart":5,"timestamp":""}]')
        await until(lambda: mesh.transaction_service.waiting)
        mesh.gateway.lease._held_until_s = 0.0
        mesh.transaction_service.release()
        assert await station.close_code() == 1006
    assert await status_of(mesh, handshake("CP2")) == 503
    assert not await _is_registered(mesh, "CP2")


async def test_what_was_let_in_under_an_earlier_lease_is_not_answered(mesh: MeshRig) -> None:
    """Even where the lease was taken again in between."""
    async with RawStation(mesh.station_url("CP1")) as station:
        await station.boot()
        mesh.gateway.lease.term += 1
        await station.send('[2,"h","Heartbeat",{}]')
        assert await station.close_code() == 1006


# Memory of the gateway for one station


async def test_pongs_that_nobody_reads_do_not_pile_up(mesh: MeshRig) -> None:
    """60 MiB of pings kept 96 MiB: a station that does not read is not read from, and is cut off in the end."""
    ping = frame(b"x" * 125, PING)
    async with calling(mesh, handshake("CP1")) as caller:
        await until(lambda: len(mesh.gateway.registry))
        session = _session(mesh, "CP1")
        held: Any = session._socket
        caller.reader._transport.pause_reading()  # type: ignore[attr-defined]
        sending = asyncio.ensure_future(_write(caller, ping * (60 * MIB // len(ping))))
        await until(lambda: held.paused)
        assert held.transport.get_write_buffer_size() < 128 * 1024
        assert len(held._rest) < MIB
        assert not held.transport.is_reading()
        assert session.liveness.blocked_since_s is not None
        session.liveness.blocked_since_s -= BLOCKED_S + 1
        await mesh.gateway.keepalive_monitor.sweep()
        await until(lambda: not len(mesh.gateway.registry))
        await asyncio.gather(sending, return_exceptions=True)


# Limits of one station's writes


async def test_transfers_of_a_station_are_bounded(mesh: MeshRig, tmp_path: Path) -> None:
    """52 MiB in 3 s, of a vendor nobody knows: rows are bounded per station, and a reconnect renews nothing."""
    text = '[2,"%d","DataTransfer",{"vendorId":"nobody","data":"' + "x" * 100_000 + '"}]'
    statuses = []
    for _ in range(3):
        async with RawStation(mesh.station_url("CP1")) as station:
            await station.boot()
            for number in range(60):
                await station.send(text % number)
                statuses.append((await station.receive())[2]["status"])
    assert set(statuses) <= {"UnknownVendorId", "Rejected"}
    assert statuses[-1] == "Rejected"
    with closing(sqlite3.connect(f"file:{tmp_path / 'station.db'}?mode=ro", uri=True)) as database:
        [(rows, size)] = database.execute("SELECT count(*), sum(length(data)) FROM data_transfer").fetchall()
        assert rows == statuses.count("UnknownVendorId")
        assert size < 5 * MIB

        def logged() -> int:
            [(found,)] = database.execute("SELECT sum(length(payload)) FROM message").fetchall()
            return int(found or 0)

        await until(lambda: logged() > 3 * MIB)

    async def is_counted() -> bool:
        await mesh.gateway.keepalive_monitor.sweep()
        asked = station_service_pb2.GetStationRequest(station_id="CP1")
        response = await mesh.stations.GetStation(asked, metadata=mesh.metadata, timeout=TIMEOUT_S)
        return response.station.quirks["transfer_not_stored"] == statuses.count("Rejected")

    await eventually(is_counted)


async def test_what_is_kept_of_a_stations_transfers_is_bounded(database_url: str) -> None:
    """However slowly it sends, and over however many connections: the newest stay, and the station is answered."""
    async with running_mesh(database_url, CSMS_DATA_TRANSFERS_PER_STATION="10") as mesh:
        for start in (0, 15):
            async with RawStation(mesh.station_url("CP1")) as station:
                await station.boot()
                for number in range(start, start + 15):
                    answer = await station.call("DataTransfer", {"vendorId": "nobody", "data": str(number)})
                    assert answer["status"] == "UnknownVendorId"

        async def kept() -> list[str]:
            request = station_service_pb2.ListDataTransfersRequest(station_id="CP1", page_size=100)
            page = await mesh.stations.ListDataTransfers(request, metadata=mesh.metadata, timeout=TIMEOUT_S)
            return [one.data for one in page.data_transfers] if len(page.data_transfers) <= 11 else []

        newest = await eventually(kept) or []
        assert newest == [str(number) for number in range(29, 29 - len(newest), -1)]
        assert len(newest) >= 10


# What of the library this stands on


def test_the_library_is_what_the_socket_was_written_for() -> None:
    """`websocket/socket.py` uses these of `websockets`, which promises none: review another major version."""
    assert version("websockets").split(".")[0] == "17"
    protocol = ServerProtocol()
    for name in (
        "accept_called",
        "available_extensions",
        "close_sent",
        "current_size",
        "discard",
        "eof_sent",
        "events",
        "extensions",
        "fail",
        "handshake_exc",
        "max_message_size",
        "parser",
        "reader",
        "writes",
    ):
        assert hasattr(protocol, name), name
    for name in ("connection_lost", "data_received", "process_event", "send_context", "send_data", "handshake"):
        assert callable(getattr(ServerConnection, name)), name
    assert callable(PerMessageDeflate.decode)
    assert protocol.state is not OPEN

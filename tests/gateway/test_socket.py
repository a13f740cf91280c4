"""Frames at the byte level: what the short way does not take, the library gets, and no byte is lost (RFC 6455)."""

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from gateway.websocket.socket import TURN_FRAMES, StationSocket
from tests.gateway.rig import MeshRig
from tests.gateway.websocket_frames import BINARY, CLOSE, CONTINUATION, MASK, PING, PONG, TEXT, frame
from tests.waiting import until

BOOT = json.dumps([2, "b", "BootNotification", {"chargePointModel": "M", "chargePointVendor": "V"}])


def heartbeat(message_id: str) -> bytes:
    """The text of a Heartbeat."""
    return json.dumps([2, message_id, "Heartbeat", {}]).encode()


class ByteStation:
    """A station that writes bytes and reads frames."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def write(self, data: bytes) -> None:
        """Writes bytes as they are."""
        self._writer.write(data)
        await self._writer.drain()

    async def read(self) -> tuple[int, bytes]:
        """The next frame of the gateway: opcode and data."""
        async with asyncio.timeout(60):
            first, length = await self._reader.readexactly(2)
            if length == 126:
                length = int.from_bytes(await self._reader.readexactly(2), "big")
            return first & 0x0F, await self._reader.readexactly(length)

    async def answers(self, count: int) -> list[str]:
        """Message ids of the next answers, all of which must be CALLRESULTs."""
        found = []
        for _ in range(count):
            opcode, data = await self.read()
            assert opcode == TEXT
            answer = json.loads(data)
            assert answer[0] == 3, answer
            found.append(answer[1])
        return found

    def reset(self) -> None:
        """Ends the connection without a word (TCP RST)."""
        linger = struct.pack("ii", 1, 0)
        self._writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self._writer.transport.abort()

    async def close_code(self) -> int:
        """The code of the close frame that comes next."""
        opcode, data = await self.read()
        assert opcode == CLOSE
        return int.from_bytes(data[:2], "big")


class Taker:
    """Takes what a socket brings; see gateway.websocket.socket.Receiver."""

    def __init__(self, taken: list[bytes]) -> None:
        self._taken = taken

    def receive(self, data: bytes) -> None:
        """Keeps a message."""
        self._taken.append(data)

    def on_pong(self) -> None:
        """Nothing."""

    def on_write_paused(self, paused: bool, /) -> None:
        """Nothing."""


@asynccontextmanager
async def _byte_station(mesh: MeshRig, *, early: bytes = b"", station_id: str = "CP1") -> AsyncIterator[ByteStation]:
    """A connection after its handshake and boot; `early` is sent along with the handshake, before its answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", mesh.ocpp_port)
    try:
        writer.write(
            f"GET /ocpp/{station_id} HTTP/1.1\r\n".encode()
            + b"Host: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Protocol: ocpp1.6\r\n\r\n" + early
        )
        async with asyncio.timeout(60):
            assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
        station = ByteStation(reader, writer)
        if not early:
            await station.write(frame(BOOT.encode()))
            assert await station.answers(1) == ["b"]
        yield station
    finally:
        writer.close()


async def test_several_frames_in_one_segment_and_one_frame_in_many(mesh: MeshRig) -> None:
    """5.4: frames and segments have nothing to do with each other."""
    async with _byte_station(mesh) as station:
        await station.write(b"".join(frame(heartbeat(str(number))) for number in range(20)))
        assert await station.answers(20) == [str(number) for number in range(20)]
        for byte in frame(heartbeat("slow")) + frame(heartbeat("x" * 200)):
            await station.write(bytes([byte]))
            await asyncio.sleep(0)
        assert await station.answers(2) == ["slow", "x" * 200]


async def test_fragments_with_a_ping_between_them(mesh: MeshRig) -> None:
    """5.4: a message may come in parts, and a control frame between the parts."""
    text = heartbeat("parts")
    async with _byte_station(mesh) as station:
        await station.write(frame(text[:5], fin=False) + frame(b"are you there", PING) + frame(text[5:9], 0, fin=False))
        assert await station.read() == (PONG, b"are you there")
        await station.write(frame(text[9:], CONTINUATION) + frame(heartbeat("next")))
        assert await station.answers(2) == ["parts", "next"]


async def test_a_text_frame_within_a_fragmented_message_is_a_protocol_error(mesh: MeshRig) -> None:
    """5.4: it does not pass by the short way."""
    async with _byte_station(mesh) as station:
        await station.write(frame(b"[2,", fin=False) + frame(heartbeat("no")))
        assert await station.close_code() == 1002


@pytest.mark.parametrize(
    "bad",
    [frame(b"[]", masked=False), frame(b"[]", rsv=0x40), frame(b"[]", opcode=3), frame(b"x", CONTINUATION)],
    ids=["unmasked", "compressed without agreement", "unknown opcode", "continuation of nothing"],
)
async def test_broken_frames_close_the_socket_with_1002(mesh: MeshRig, bad: bytes) -> None:
    """5.1, 5.2; quirk 6: a protocol error, and what came before it is answered."""
    async with _byte_station(mesh) as station:
        await station.write(frame(heartbeat("before")) + bad)
        assert await station.answers(1) == ["before"]
        assert await station.close_code() == 1002


async def test_a_length_beyond_the_limit_closes_at_once(mesh: MeshRig) -> None:
    """1009 as soon as the length is known: nothing of the frame is waited for or kept."""
    async with _byte_station(mesh) as station:
        await station.write(bytes((0x81, 0xFF)) + (2_000_000).to_bytes(8, "big") + MASK + b"x" * 100)
        assert await station.close_code() == 1009


async def test_binary_frames_are_read_as_text(mesh: MeshRig) -> None:
    """OCPP-J knows text only; a station that sends the same bytes as binary is served all the same."""
    async with _byte_station(mesh) as station:
        await station.write(frame(heartbeat("binary"), BINARY))
        assert await station.answers(1) == ["binary"]


async def test_frames_sent_before_the_handshake_is_answered_are_not_lost(mesh: MeshRig) -> None:
    """A hasty station sends its boot along with the handshake, perhaps half of it."""
    boot = frame(BOOT.encode())
    async with _byte_station(mesh, early=boot[:20]) as station:
        await station.write(boot[20:] + frame(heartbeat("next")))
        assert await station.answers(2) == ["b", "next"]


async def test_a_close_is_answered_and_ends_the_connection(mesh: MeshRig) -> None:
    """5.5.1: the same code comes back; what follows a close is ignored."""
    async with _byte_station(mesh) as station:
        await station.write(frame((1000).to_bytes(2, "big"), CLOSE) + frame(heartbeat("late")))
        assert await station.close_code() == 1000


async def test_negotiated_compression_works(mesh: MeshRig) -> None:
    """Quirk 6: permessage-deflate, where both agreed on it."""
    async with connect(
        mesh.station_url("CP1"), subprotocols=[Subprotocol("ocpp1.6")], compression="deflate", open_timeout=60
    ) as socket:
        assert "permessage-deflate" in socket.response.headers["Sec-WebSocket-Extensions"]  # type: ignore[union-attr]
        await socket.send(BOOT)
        assert json.loads(await socket.recv())[2]["status"] == "Accepted"
        for number in range(3):
            await socket.send(heartbeat(str(number)), text=True)
            assert json.loads(await socket.recv())[1] == str(number)


async def test_a_flood_of_one_station_does_not_hold_up_the_others(mesh: MeshRig) -> None:
    """In one turn of the event loop a socket gives a bounded number of messages, and the rest in the turns after."""
    taken: list[bytes] = []
    async with _byte_station(mesh):
        session = next(iter(mesh.gateway.registry))
        socket = session._socket
        assert isinstance(socket, StationSocket)
        socket.attach(Taker(taken))
        await asyncio.sleep(0)
        socket.data_received(b"".join(frame(heartbeat(str(number))) for number in range(100)))
        counts = [len(taken)]
        await until(lambda: len(taken) == 100)
    assert counts == [TURN_FRAMES]
    assert [json.loads(text)[1] for text in taken] == [str(number) for number in range(100)]


async def test_a_flood_that_breaks_off_leaves_no_trace(mesh: MeshRig, caplog: pytest.LogCaptureFixture) -> None:
    """A connection that is reset while its messages wait for their turn ends like any other."""
    async with _byte_station(mesh) as station:
        await station.write(frame(b"x", PING) + b"".join(frame(heartbeat("x")) for _ in range(2_000)))
        station.reset()
        await until(lambda: len(mesh.gateway.registry) == 0)
    async with _byte_station(mesh) as station:
        await station.write(frame(heartbeat("again")))
        assert await station.answers(1) == ["again"]
    assert "EOFError" not in caplog.text

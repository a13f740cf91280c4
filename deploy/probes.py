"""Probes of a part's readiness. A probe checks once and returns whether the part is ready; it never raises."""

import asyncio
import re
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

Probe = Callable[[], Awaitable[bool]]

ASK_S = 1.0


def listens(host: str, port: int) -> Probe:
    """Whether a server accepts connections there."""

    async def probe() -> bool:
        try:
            _reader, writer = await asyncio.wait_for(asyncio.open_connection(host, port), ASK_S)
        except (OSError, TimeoutError):
            return False
        await _close(writer)
        return True

    return probe


def serves_grpc(address: str) -> Probe:
    """Whether the server at host:port reports that it serves (grpc.health.v1)."""
    host, _, port = address.rpartition(":")
    reachable = listens(host, int(port))

    async def probe() -> bool:
        # A channel that is refused waits before it tries again, longer than a probe should.
        if not await reachable():
            return False
        async with grpc.aio.insecure_channel(address) as channel:
            try:
                answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=ASK_S)
            except grpc.aio.AioRpcError:
                return False
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)

    return probe


def answers_http(host: str, port: int, path: str, *, tls: bool = False) -> Probe:
    """Whether a GET there is answered with 200; `tls`: over HTTPS, with any certificate."""
    context = _any_certificate() if tls else None

    async def probe() -> bool:
        answer = await _get(asyncio.open_connection(host, port, ssl=context), path)
        return answer.startswith((b"HTTP/1.1 200 ", b"HTTP/1.0 200 "))

    return probe


def _any_certificate() -> ssl.SSLContext:
    """A probe asks a part of this mesh, on this machine, whether it is ready, and sends it no secret."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def has_keys(admin_socket: Path) -> Probe:
    """Whether this Envoy has got the keys that access tokens are verified with."""

    async def probe() -> bool:
        answer = await _get(asyncio.open_unix_connection(admin_socket), "/stats?filter=jwks_fetch_success")
        count = re.search(rb"jwks_fetch_success: (\d+)", answer)
        return count is not None and int(count[1]) > 0

    return probe


def all_of(*probes: Probe) -> Probe:
    """Whether all of them hold, checked one after the other."""

    async def probe() -> bool:
        for each in probes:
            if not await each():
                return False
        return True

    return probe


async def _get(opening: Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]], path: str) -> bytes:
    """The answer to a GET, headers and all; empty where there is none."""
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(ASK_S):
            reader, writer = await opening
            try:
                writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
                return await reader.read(-1)
            finally:
                await _close(writer)
    return b""


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()

"""Metrics over HTTP, and the end of their server."""

import asyncio
import threading
from contextlib import AsyncExitStack
from urllib.request import urlopen

import pytest

from mesh.runtime.metrics import serve_metrics
from mesh.runtime.startup_errors import SettingError
from tests.waiting import until


def _read(port: int) -> bytes:
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as response:
        content: bytes = response.read()
        return content


def _threads() -> int:
    return sum(thread.name == "metrics" for thread in threading.enumerate())


async def test_metrics_are_served_until_the_end_and_their_port_is_free_then() -> None:
    before = _threads()
    async with AsyncExitStack() as stack:
        port = serve_metrics(stack, "127.0.0.1:0")
        for _ in range(2):
            assert b"process_cpu_seconds_total" in await asyncio.to_thread(_read, port)
        assert _threads() == before + 1
    await until(lambda: _threads() == before)
    async with AsyncExitStack() as stack:
        assert serve_metrics(stack, f"127.0.0.1:{port}") == port


async def test_a_port_in_use_is_an_error_of_the_setting() -> None:
    async with AsyncExitStack() as stack:
        port = serve_metrics(stack, "127.0.0.1:0")
        with pytest.raises(SettingError, match=f"cannot serve metrics on 127.0.0.1:{port}"):
            serve_metrics(stack, f"127.0.0.1:{port}")

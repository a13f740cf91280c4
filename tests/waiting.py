"""Waiting on conditions: tests never sleep for a fixed time."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

# For what must happen: a machine that is busy with other things may take its time, and one that is not never waits.
PATIENCE_S = 60.0


async def until(condition: Callable[[], T], *, patience_s: float = PATIENCE_S) -> T:
    """Waits until `condition()` is true and returns what it gave. Raises TimeoutError when it never is."""
    async with asyncio.timeout(patience_s):
        while not (value := condition()):  # noqa: ASYNC110 - what is waited for is not always ours to signal
            await asyncio.sleep(0.002)
    return value


async def eventually(ask: Callable[[], Awaitable[T]], *, patience_s: float = PATIENCE_S) -> T:
    """Waits until what `ask()` returns is true and returns it. Raises TimeoutError when it never is."""
    async with asyncio.timeout(patience_s):
        while not (value := await ask()):  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.01)
    return value

"""Handling of frames that are too large for the event loop, in a thread beside it."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")

# Frames up to this are handled in the loop: by measure (`make fuzz-cpu`) none of this size takes it 50 ms.
LARGE_BYTES = 8 * 1024

# One thread for all sockets: large frames wait for each other, and the loop shares Python with one thread at most.
_THREAD = ThreadPoolExecutor(max_workers=1, thread_name_prefix="large-frames")


async def run_in_thread(work: Callable[..., T], *arguments: Any) -> T:
    """The result of `work(*arguments)`, which must not touch what belongs to the event loop.

    Work waits in no queue but that of its sockets, each of which is held while its frame is here.
    """
    return await asyncio.get_running_loop().run_in_executor(_THREAD, work, *arguments)

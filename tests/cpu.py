"""The CPU that single callbacks of the event loop take: what one of them takes, everybody else waits for.

CPU time of the loop's own thread, not wall time: a busy machine changes nothing about it.
"""

import asyncio
import gc
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mesh.runtime.process import freeze_startup_objects

# No callback that one socket's input causes may take longer.
BOUND_S = 0.05


class Longest:
    """The longest callback so far, and what it was."""

    def __init__(self) -> None:
        self.cpu_s = 0.0
        self.what = ""

    def reset(self) -> None:
        """Forgets it."""
        self.cpu_s, self.what = 0.0, ""


@contextmanager
def longest_callback() -> Iterator[Longest]:
    """Watches every callback of asyncio's own event loops within a `with`.

    The garbage collector looks for rubbish as often as in a gateway (`freeze_startup_objects`): the tests' own objects
    are none of its business.
    """
    longest = Longest()
    plain: Any = asyncio.events.Handle._run

    def run(handle: asyncio.Handle) -> None:
        begun_s = time.thread_time()
        plain(handle)
        took_s = time.thread_time() - begun_s
        if took_s > longest.cpu_s:
            longest.cpu_s, longest.what = took_s, repr(handle)[:300]

    thresholds, is_settled = gc.get_threshold(), gc.get_freeze_count() > 0
    if not is_settled:
        freeze_startup_objects()
    asyncio.events.Handle._run = run  # type: ignore[method-assign,assignment]
    try:
        yield longest
    finally:
        asyncio.events.Handle._run = plain  # type: ignore[method-assign]
        if not is_settled:
            gc.set_threshold(*thresholds)
            gc.unfreeze()

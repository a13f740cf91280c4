"""The tasks of one session: the rare waits of what is otherwise a chain of plain calls."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from mesh.runtime.logs import get_logger

log = get_logger(__name__)


class SessionTasks:
    """Runs the waits of one session. One that fails ends the connection, for which `abort` is called."""

    def __init__(self, *, station_id: str, abort: Callable[[], None]) -> None:
        self._station_id = station_id
        self._abort = abort
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Runs a wait beside everything else."""
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def break_off(self, error: BaseException) -> None:
        """Ends a connection that may never answer again: the station reconnects, and sends its messages again."""
        log.error("connection broken off", station_id=self._station_id, exc_info=error)
        self._abort()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.break_off(error)

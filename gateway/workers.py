"""Several gateway processes on one port (CSMS_GATEWAY_WORKERS): the kernel shares the stations out among them.

Each is a node of its own, with its own lease and mesh port. The first process serves too, and keeps the others running:
they hold the other end of a pipe to it, and stop when it is gone.
"""

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping
from contextlib import suppress

from mesh.runtime.backoff import NO_JITTER, Backoff
from mesh.runtime.logs import get_logger

log = get_logger(__name__)

BACKOFF = Backoff(first_s=0.5, most_s=30.0, jitter=NO_JITTER)
# A worker that lived this long has started well; its next death is answered at once.
SETTLED_S = 60.0
STOP_S = 15.0


class WorkerProcesses:
    """The gateways beside the first. `start`, then `tell` them to stop, then wait until they have `ended`.

    The last two are apart so that the first stops while the others do.
    """

    def __init__(self, *, count: int) -> None:
        self._count = count
        self._stopping = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._processes: set[Process] = set()

    def start(self, environment: Mapping[str, str]) -> None:
        """Runs them from now on, again and again. `environment` is the first's, with the OCPP port it is bound to."""
        own = _environment(environment) if self._count else {}
        self._tasks = [asyncio.create_task(self._keep(number, own)) for number in range(2, self._count + 2)]

    def tell(self) -> None:
        """Tells all of them to stop."""
        self._stopping.set()

    def hang_up(self) -> None:
        """Sends SIGHUP to all of them: they read their certificates again."""
        for process in self._processes:
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGHUP)

    async def ended(self) -> None:
        """Waits until they have stopped; those that take longer than STOP_S are killed."""
        self.tell()
        await asyncio.gather(*self._tasks)

    async def _keep(self, number: int, environment: Mapping[str, str]) -> None:
        loop = asyncio.get_running_loop()
        failures = 0
        while not self._stopping.is_set():
            started_s = loop.time()
            try:
                outcome = f"status {await self._run(environment)}"
            except OSError as error:  # no memory or no process to be had: perhaps later
                outcome = f"not started: {error}"
            if self._stopping.is_set():
                return
            failures = 1 if loop.time() - started_s > SETTLED_S else failures + 1
            backoff_s = BACKOFF.after(failures)
            log.error("gateway worker ended: starting it again", worker=number, outcome=outcome, after_s=backoff_s)
            with suppress(TimeoutError):
                async with asyncio.timeout(backoff_s):
                    await self._stopping.wait()

    async def _run(self, environment: Mapping[str, str]) -> int:
        """Runs one worker until it ends or is to stop; returns its exit status."""
        process = await asyncio.create_subprocess_exec(sys.executable, "-m", "gateway", env=environment, stdin=PIPE)
        self._processes.add(process)
        ended = asyncio.ensure_future(process.wait())
        stopping = asyncio.ensure_future(self._stopping.wait())
        await asyncio.wait({ended, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not ended.done():
            await _stop(process, ended)
        status = await ended
        self._processes.discard(process)
        return status


async def _stop(process: Process, ended: "asyncio.Future[int]") -> None:
    process.terminate()
    try:
        async with asyncio.timeout(STOP_S):
            await asyncio.shield(ended)
    except TimeoutError:
        process.kill()


def _environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment of a worker: that of the first, but for the ports that only one can have."""
    own = {
        "CSMS_GATEWAY_WORKERS": "1",
        "CSMS_GATEWAY_SHARED_PORT": "1",
        "CSMS_GATEWAY_ADDRESS": _any_port(environment["CSMS_GATEWAY_ADDRESS"]),
        "CSMS_GATEWAY_METRICS_ADDRESS": _any_port(environment.get("CSMS_GATEWAY_METRICS_ADDRESS") or "127.0.0.1:0"),
        "CSMS_LIFELINE": "1",
    }
    return {**environment, **own}


def _any_port(address: str) -> str:
    return address.rpartition(":")[0] + ":0"

"""Several gateway processes on one port (CSMS_GATEWAY_WORKERS): the kernel shares the stations out among them.

Each is a node of its own, with its own lease and mesh port. The first process serves too, and keeps the others running:
they hold the other end of a pipe to it, and stop when it is gone.
"""

import asyncio
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack

from mesh.logs import get_logger

log = get_logger(__name__)

FIRST_BACKOFF_S = 0.5
MOST_BACKOFF_S = 30.0
# A worker that lived this long has started well; its next death is answered at once.
SETTLED_S = 60.0
STOP_S = 15.0


async def run_workers(stack: AsyncExitStack, count: int, environment: Mapping[str, str]) -> None:
    """Keeps `count` more gateways running until the stack unwinds, which stops them all at once and waits for them.

    `environment` is what this process was started with.
    """
    stopping = asyncio.Event()
    tasks = [asyncio.create_task(_keep(number, environment, stopping)) for number in range(2, count + 2)]

    async def stop() -> None:
        stopping.set()
        await asyncio.gather(*tasks)

    stack.push_async_callback(stop)


async def _keep(number: int, environment: Mapping[str, str], stopping: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    backoff_s = FIRST_BACKOFF_S
    while not stopping.is_set():
        started_s = loop.time()
        status = await _run(environment, stopping)
        if stopping.is_set():
            return
        if loop.time() - started_s > SETTLED_S:
            backoff_s = FIRST_BACKOFF_S
        log.error("gateway worker ended: starting it again", worker=number, status=status, after_s=backoff_s)
        try:
            async with asyncio.timeout(backoff_s):
                await stopping.wait()
        except TimeoutError:
            backoff_s = min(backoff_s * 2, MOST_BACKOFF_S)


async def _run(environment: Mapping[str, str], stopping: asyncio.Event) -> int:
    """Runs one worker until it ends or is to stop; returns its exit status."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway", env=_environment(environment), stdin=asyncio.subprocess.PIPE
    )
    ended = asyncio.ensure_future(process.wait())
    told = asyncio.ensure_future(stopping.wait())
    await asyncio.wait({ended, told}, return_when=asyncio.FIRST_COMPLETED)
    told.cancel()
    if not ended.done():
        process.terminate()
        try:
            async with asyncio.timeout(STOP_S):
                await asyncio.shield(ended)
        except TimeoutError:
            process.kill()
    return await ended


def _environment(environment: Mapping[str, str]) -> dict[str, str]:
    """What a worker is told: as the first, but for the ports that only one can have."""
    host = environment["CSMS_GATEWAY_ADDRESS"].rpartition(":")[0]
    own = {
        "CSMS_GATEWAY_WORKERS": "1",
        "CSMS_GATEWAY_SHARED_PORT": "1",
        "CSMS_GATEWAY_ADDRESS": f"{host}:0",
        "CSMS_GATEWAY_METRICS_ADDRESS": "127.0.0.1:0",
        "CSMS_LIFELINE": "1",
    }
    return {**environment, **own}

"""Runs a gateway: `python -m gateway`. docs/CONFIGURATION.md lists its settings."""

import asyncio
import os
from contextlib import AsyncExitStack

from gateway.service import start
from gateway.settings import GatewaySettings
from gateway.workers import WorkerProcesses
from mesh.runtime.logs import get_logger
from mesh.runtime.process import freeze_startup_objects, run
from mesh.runtime.settings import Environment

log = get_logger(__name__)


async def _serve(stop: asyncio.Event) -> None:
    """Runs the gateway until `stop` is set, and the other workers beside it."""
    settings = GatewaySettings.read(Environment(os.environ))
    workers = WorkerProcesses(count=settings.workers - 1)
    async with AsyncExitStack() as stack:
        # Told first and waited for last: all stop at the same time.
        stack.push_async_callback(workers.ended)
        running = await start(stack, settings)
        stack.callback(workers.tell)
        # A port that was left open is chosen by now: the other processes use the same one.
        ports = {"CSMS_OCPP_PORT": str(running.ocpp_port)}
        if running.ocpp_tls_port is not None:
            ports["CSMS_OCPP_TLS_PORT"] = str(running.ocpp_tls_port)
        workers.start({**os.environ, **ports})
        freeze_startup_objects()
        await stop.wait()
        log.info("stopping")


def main() -> None:
    """Runs the gateway with the settings of this process's environment."""
    run("gateway", _serve, environ=os.environ)


if __name__ == "__main__":
    main()

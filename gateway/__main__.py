"""Runs a gateway: `python -m gateway`. docs/CONFIGURATION.md lists its settings."""

import asyncio
import os
import signal
from contextlib import AsyncExitStack

from gateway.service import RunningGateway, start
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
        reload_on_hang_up(stack, running, workers)
        freeze_startup_objects()
        await stop.wait()
        log.info("stopping")


def reload_on_hang_up(stack: AsyncExitStack, running: RunningGateway, workers: WorkerProcesses) -> None:
    """Has SIGHUP read the certificates again at once, here and in the other workers, until `stack` unwinds.

    Without TLS the signal ends the process, as it does others.
    """
    tls = running.tls
    if tls is None:
        return

    def reload() -> None:
        log.info("SIGHUP: certificates are read again")
        tls.read_again()
        workers.hang_up()

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, reload)
    stack.callback(loop.remove_signal_handler, signal.SIGHUP)


def main() -> None:
    """Runs the gateway with the settings of this process's environment."""
    run("gateway", _serve, environ=os.environ)


if __name__ == "__main__":
    main()

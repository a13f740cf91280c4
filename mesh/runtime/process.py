"""The life of one process: start, serve until a signal stops it, stop in order. Used by every `__main__`."""

import asyncio
import gc
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Mapping

import uvloop

from mesh.runtime.logs import configure, get_logger
from mesh.runtime.startup_errors import ContractError, SettingError

Main = Callable[[asyncio.Event], Awaitable[None]]

# Exit status where settings or the contract are wrong: starting it again would not help (sysexits.h, EX_CONFIG).
EX_CONFIG = 78
_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


def run(process: str, main: Main, *, environ: Mapping[str, str]) -> None:
    """Runs `main(stop)` until it returns; `stop` is set on SIGTERM and SIGINT. Exits the process.

    A SettingError or ContractError becomes one line on standard error and exit status 78.
    """
    try:
        configure(process, level=log_level(environ))
        uvloop.run(_run(main, lifeline=environ.get("CSMS_LIFELINE") == "1"))
    except (SettingError, ContractError) as error:
        sys.stderr.write(f"{process}: {error}\n")
        sys.exit(EX_CONFIG)


def log_level(environment: Mapping[str, str]) -> str:
    """CSMS_LOG_LEVEL, as Python's own logging has it. Raises SettingError."""
    given = environment.get("CSMS_LOG_LEVEL") or "INFO"
    if given.upper() not in _LEVELS:
        raise SettingError(f"CSMS_LOG_LEVEL={given!r}: one of {', '.join(_LEVELS)} is needed")
    return given.upper()


def freeze_startup_objects() -> None:
    """Exempts all objects of the start from garbage collection, and makes the collector run less often.

    A batch of messages makes thousands of short-lived objects and hardly a cycle; by default the collector traverses
    the objects of the start again and again, which took a third of transaction_svc's CPU. Call it once after the start.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)


async def _run(main: Main, *, lifeline: bool) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if lifeline:
        _watch_lifeline(loop, stop)
    await main(stop)


def _watch_lifeline(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    """Stops this process when its standard input ends: the starter holds the other end, and has ended."""

    def watch() -> None:
        while os.read(0, 1024):
            pass
        get_logger(__name__).warning("the process that started this one has ended: stopping")
        loop.call_soon_threadsafe(stop.set)

    threading.Thread(target=watch, name="lifeline", daemon=True).start()

"""Runs a fleet of simulated charge points: `python -m simulator --url ws://127.0.0.1:9000/ocpp --stations 5`."""

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from functools import partial
from pathlib import Path

from mesh.runtime.logs import get_logger
from mesh.runtime.process import run
from mesh.runtime.settings import Environment
from mesh.runtime.startup_errors import SettingError
from simulator import DEFAULT_ID_TAGS
from simulator.firmware import Failure
from simulator.fleet import ANY, FleetOptions, StationMaker
from simulator.live_fleet import LiveFleet
from simulator.misbehaviour import Assignment, parse_assignment, table
from simulator.settings import OperatorSettings

log = get_logger(__name__)

_LOOK_S = 0.25
_REACHED_S = 1.0


def parse(arguments: Sequence[str]) -> FleetOptions:
    """Reads the command line. Raises SettingError where the file of passwords cannot be read."""
    found = _parser().parse_args(arguments)
    return FleetOptions(
        url=found.url,
        stations=found.stations,
        prefix=found.prefix,
        speed=found.speed,
        seed=found.seed,
        id_tags=found.id_tags,
        misbehave=found.misbehave,
        ocpp_201=found.ocpp_201,
        firmware_fails=frozenset(found.firmware_fails),
        passwords={} if found.password_file is None else read_passwords(found.password_file),
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m simulator", description="Simulated charge points.")
    parser.add_argument(
        "--url", type=_url, required=True, help="where to connect, without the station's id: ws://host:port/ocpp"
    )
    parser.add_argument("--stations", type=_positive, default=5, help="how many (default: %(default)s)")
    parser.add_argument("--prefix", default="CP", help="station ids are this and a number (default: %(default)s)")
    parser.add_argument(
        "--speed", type=_speed, default=30.0, help="times as fast as life: drivers, charging, samples (default: 30)"
    )
    parser.add_argument("--seed", type=int, default=1, help="the same seed makes the same stations and drivers")
    parser.add_argument("--id-tags", type=_words, default=DEFAULT_ID_TAGS, help="id tags of the drivers: A,B,C")
    parser.add_argument(
        "--password-file", type=Path, help="for HTTP Basic: lines `station:password`, or one password for all"
    )
    _add_behaviour(parser)
    parser.add_argument("--quirks", action=_ListQuirks, nargs=0, help="list what --misbehave knows, and leave")
    return parser


def _add_behaviour(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--misbehave",
        type=_assignment,
        action="append",
        default=[],
        metavar="[STATIONS:]NUMBERS",
        help="quirks by number, for all stations of 1.6 or those of a pattern: 14,21 or CP00[1-3]:5; `each`: number n "
        "for the nth station; may be repeated; --quirks lists them",
    )
    parser.add_argument(
        "--ocpp-201",
        action="append",
        default=[],
        metavar="STATIONS",
        help="stations that speak OCPP 2.0.1, by a pattern of ids: CP00[45]; may be repeated; the others speak 1.6",
    )
    parser.add_argument(
        "--firmware-fails",
        type=Failure,
        action="append",
        default=[],
        choices=list(Failure),
        help="what every firmware update fails at; may be repeated",
    )


def read_passwords(path: Path) -> dict[str, str]:
    """Passwords by station id; a line without a colon is for every station that has no line of its own."""
    try:
        lines = path.read_text().splitlines()
    except OSError as error:
        raise SettingError(f"cannot read {path}: {error.strerror}") from error
    passwords = {}
    for line in filter(None, map(str.strip, lines)):
        station_id, colon, password = line.partition(":")
        passwords[station_id if colon else ANY] = password if colon else line
    return passwords


async def _serve(stop: asyncio.Event, *, env: Environment) -> None:
    """Runs the fleet of the command line until `stop` is set, and serves operators where a port is configured."""
    options, operators = parse(sys.argv[1:]), OperatorSettings.read(env)
    maker = StationMaker(options)
    fleet = LiveFleet(maker.fleet())
    log.info("stations start", stations=options.stations, url=options.url, speed=options.speed)
    async with AsyncExitStack() as stack:
        if operators is not None:
            serving = asyncio.create_task(_serve_operators(stack, operators, fleet, maker))
            serving.add_done_callback(lambda task: stop.set() if _has_failed(task) else None)
            stack.push_async_callback(_end, serving)
        await fleet.run(stop)


async def _serve_operators(
    stack: AsyncExitStack, settings: OperatorSettings, fleet: LiveFleet, maker: StationMaker
) -> None:
    """Serves operators once auth_svc can be reached, without which no caller can be verified.

    Until then the rest of the mesh starts and needs the processors: gRPC takes a third of a second to load.
    """
    while not await _is_reachable(settings.auth_address):  # noqa: ASYNC110 - it is another process
        await asyncio.sleep(_LOOK_S)
    from simulator.operator_port import serve_operators  # noqa: PLC0415 - see above

    await serve_operators(stack, settings, fleet=fleet, maker=maker)


async def _is_reachable(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        _reader, writer = await asyncio.wait_for(asyncio.open_connection(host.strip("[]"), int(port)), _REACHED_S)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True


def _has_failed(task: asyncio.Task[None]) -> bool:
    return not task.cancelled() and task.exception() is not None


async def _end(task: asyncio.Task[None]) -> None:
    """Cancels a task where it has not ended. Raises what it failed of."""
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


class _ListQuirks(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object, **__: object) -> None:
        parser.exit(message=table() + "\n")


def _assignment(text: str) -> Assignment:
    try:
        return parse_assignment(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _url(text: str) -> str:
    if not text.startswith(("ws://", "wss://")):
        raise argparse.ArgumentTypeError(f"{text!r}: a URL that begins with ws:// or wss:// is needed")
    return text


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError("a whole number from 1 is needed")
    return int(text)


def _speed(text: str) -> float:
    speed = float(text)
    if not 0.1 <= speed <= 10_000:
        raise argparse.ArgumentTypeError("a number from 0.1 to 10000 is needed")
    return speed


def _words(text: str) -> tuple[str, ...]:
    words = tuple(filter(None, (word.strip() for word in text.split(","))))
    if not words:
        raise argparse.ArgumentTypeError("at least one id tag is needed")
    return words


def main() -> None:
    """Runs the fleet until a signal stops the process."""
    run("simulator", partial(_serve, env=Environment(os.environ)), environ=os.environ)


if __name__ == "__main__":
    main()

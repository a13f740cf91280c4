"""One run: starts the mesh, lets a fleet work while parts of it are killed, and compares at the end."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from random import Random

from chaos import operators
from chaos.errors import ChaosError
from chaos.fleet import make_fleet
from chaos.layout import Layout, make_layout
from chaos.ledger import Figure, Ledger, Recorded, compare
from chaos.rollups import compare_hours, recount
from chaos.rotations import Found, Rotations, proofs, rotation_figures
from chaos.station import Station
from chaos.victims import Killer, Victim, start_all
from deploy.local import one_process
from deploy.local.log_file import LogFile

Say = Callable[[str], None]

# After the last kill: until the parts are back, until the fleet has said all and is connected, until that is known.
BACK_S = 60.0
DRAIN_S = 120.0
CONNECTED_S = 30.0
PUBLISHED_S = 30.0
ROLLED_UP_S = 120.0
# Whose long absence stations notice.
MISSED = ("transaction_svc", "postgresql", "station_svc", one_process.NAME)
# Of so many stations one leaves at the end: it alone must count as disconnected.
LEAVING = 10
ASK_AGAIN_S = 0.25


@dataclass(frozen=True, kw_only=True)
class Options:
    """The options of a run. The same seed kills the same parts in the same order, as far as they are alive then."""

    kills: int
    seed: int
    stations: int
    interval_s: float  # between kills, in the mean
    pace_s: float  # between a station's messages, in the mean
    long_absences: int  # kills after which the part stays down for longer than stations wait
    long_s: float
    encrypted: float = 0.0  # the share of stations over TLS, from 0 to 1
    rotations: int = 0  # of certificates, in mid-run
    all_in_one: bool = False  # services and the first gateway in one process


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The result of a run."""

    figures: Sequence[Figure]
    kills: Counter[str]
    happened: Counter[str]
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether every figure is right."""
        return not any(figure.faults for figure in self.figures)


async def run(options: Options, directory: Path, *, say: Say) -> Outcome:
    """Runs it all in an empty directory. Raises ChaosError where the mesh cannot be started or does not come back."""
    began_s = time.monotonic()
    ledger = Ledger()
    async with AsyncExitStack() as stack:
        layout = make_layout(directory, all_in_one=options.all_in_one)
        victims = await _start(stack, layout, directory)
        say(f"the mesh runs, its logs are in {directory}")
        fleet = await _fleet(stack, layout, ledger, options)
        keeping = [asyncio.create_task(victim.keep()) for victim in victims]
        stack.push_async_callback(_cancel, keeping)
        rotated = await _kill(layout, victims, fleet, options)
        say(f"{options.kills} kills are done; {len(ledger.acknowledged)} messages are acknowledged so far")
        ledger.happened["sockets that lived on over a rotation"] += rotated.lived_on
        judged = await _judge(layout, ledger, fleet)
    kills = Counter({victim.name: victim.kills for victim in victims})
    shown = rotation_figures(rotated, layout.encryption.doors) if options.rotations else []
    return Outcome(figures=[*judged, *shown], kills=kills, happened=ledger.happened, seconds=time.monotonic() - began_s)


async def _kill(layout: Layout, victims: Sequence[Victim], fleet: Sequence[Station], options: Options) -> Found:
    """Kills parts, with rotations of certificates between; all parts are ready again at the end."""

    async def whole() -> None:
        for victim in victims:
            await victim.ready(BACK_S)

    rotations = Rotations(
        encryption=layout.encryption, fleet=fleet, count=options.rotations, kills=options.kills, whole=whole
    )
    killer = Killer(victims, random=_random(options.seed), interval_s=options.interval_s)
    await killer.run(
        kills=options.kills,
        long_absences=options.long_absences,
        long_s=options.long_s,
        missed=[victim for victim in victims if victim.name in MISSED],
        before=rotations.before_kill,
    )
    await whole()
    return await rotations.finish()


async def _start(stack: AsyncExitStack, layout: Layout, directory: Path) -> list[Victim]:
    made = {}
    for part in layout.parts:
        log = LogFile(directory / f"{part.name.replace(' ', '-')}.log")
        stack.callback(log.close)
        made[part.name] = Victim(part, log=log)
    postgres = made[layout.postgres.part.name]
    await start_all(stack, [[postgres]])
    await asyncio.to_thread(layout.postgres.create_database)
    groups = (layout.services, layout.gateways, [layout.envoy])
    await start_all(stack, [[made[part.name] for part in group] for group in groups])
    return list(made.values())


async def _fleet(stack: AsyncExitStack, layout: Layout, ledger: Ledger, options: Options) -> Sequence[Station]:
    """Stations at work; all have been connected once."""
    fleet, new = make_fleet(
        layout,
        ledger,
        count=options.stations,
        encrypted=options.encrypted,
        pace_s=options.pace_s,
        random_of=lambda n: _random(options.seed, n),
    )
    await operators.add_stations(layout, new)
    stack.push_async_callback(_cancel, [asyncio.create_task(station.run()) for station in fleet])
    if await _left(fleet, lambda station: not station.connected, CONNECTED_S):
        raise ChaosError(f"the fleet did not connect to a healthy mesh: {ledger.happened}")
    return fleet


async def _judge(layout: Layout, ledger: Ledger, fleet: Sequence[Station]) -> list[Figure]:
    """Lets the fleet say what it has to say, then compares."""
    for station in fleet:
        station.finish()
    waiting = Figure(
        name="messages left", told=0, found=0, faults=await _left(fleet, lambda station: not station.finished, DRAIN_S)
    )
    unrenewed = await _left(fleet, lambda station: station.renewing, DRAIN_S)
    renewing = Figure(name="certificates to come", told=0, found=len(unrenewed), faults=unrenewed)
    offline = await _left(fleet, lambda station: not station.connected, CONNECTED_S)
    back = Figure(name="connected", told=len(fleet), found=len(fleet) - len(offline), faults=offline)
    known = await _known(layout, fleet)
    reached = await operators.unreachable_stations(layout, [station.station_id for station in fleet])
    commanded = Figure(
        name="take commands",
        told=len(fleet),
        found=len(fleet) - len(reached),
        faults=[f"{name}: {why}" for name, why in sorted(reached.items())],
    )
    recorded = await operators.read_transactions(layout)
    refused = Figure(name="refused", told=0, found=len(ledger.violations), faults=ledger.violations)
    events = [await _told(layout, recorded, kind) for kind in ("transaction.started", "transaction.ended")]
    return [
        *compare(ledger.acknowledged, recorded),
        refused,
        waiting,
        renewing,
        back,
        known,
        *proofs(fleet, await operators.connections_over_tls(layout)),
        commanded,
        *events,
        await _rolled_up(layout, recorded),
        await _departed(layout, fleet),
    ]


async def _left(fleet: Sequence[Station], is_left: Callable[[Station], bool], timeout_s: float) -> list[str]:
    """The stations of which something is still so after some time."""

    async def look() -> int:
        return sum(is_left(station) for station in fleet)

    await _within(timeout_s, look)
    return [f"{station.station_id} with {station.waiting} messages" for station in fleet if is_left(station)]


async def _known(layout: Layout, fleet: Sequence[Station]) -> Figure:
    """Whether the mesh knows which stations are connected: all of them."""
    wrong: list[str] = []

    async def look() -> int:
        mine = {station.station_id for station in fleet if station.connected}
        wrong[:] = sorted(mine ^ await operators.connected_stations(layout))
        return len(wrong)

    await _within(CONNECTED_S, look)
    return Figure(name="known connected", told=len(fleet), found=len(fleet) - len(wrong), faults=list(wrong))


async def _told(layout: Layout, recorded: Sequence[Recorded], kind: str) -> Figure:
    """Whether the stream of events reports each transaction once."""
    wrong: list[str] = []
    count = 0

    async def look() -> int:
        nonlocal count
        told = Counter(await operators.told_transactions(layout, kind))
        expected = Counter((one.station_id, one.transaction_id) for one in recorded)
        count = told.total()
        wrong[:] = [
            f"{'/'.join(name)}: reported {told[name]} times" for name in told | expected if told[name] != expected[name]
        ]
        return len(wrong)

    await _within(PUBLISHED_S, look)
    return Figure(name=f"{kind} events", told=len(recorded), found=count, faults=sorted(wrong))


async def _rolled_up(layout: Layout, recorded: Sequence[Recorded]) -> Figure:
    """Whether the rollups are those of a plain recount of all events; open transactions were counted meanwhile too."""
    expected = recount(recorded)
    figure = compare_hours(expected, {})

    async def look() -> int:
        nonlocal figure
        figure = compare_hours(expected, await operators.read_hours(layout))
        return len(figure.faults)

    await _within(ROLLED_UP_S, look)
    return figure


async def _departed(layout: Layout, fleet: Sequence[Station]) -> Figure:
    """Some stations leave: they alone count as disconnected."""
    leaving = fleet[::LEAVING]
    for station in leaving:
        station.leave()
    figure = await _known(layout, fleet)
    found = len(fleet) - len(leaving) - len(figure.faults)
    return Figure(
        name="connected without those that left", told=len(fleet) - len(leaving), found=found, faults=figure.faults
    )


def _random(*seed: int) -> Random:
    return Random(repr(seed))  # noqa: S311 - not a secret


async def _within(timeout_s: float, wrong: Callable[[], Awaitable[int]]) -> None:
    """Waits until nothing is wrong any more, for at most some time."""
    deadline_s = time.monotonic() + timeout_s
    while await wrong() and time.monotonic() < deadline_s:  # noqa: ASYNC110 - it is asked of other processes
        await asyncio.sleep(ASK_AGAIN_S)


async def _cancel(tasks: Sequence["asyncio.Task[None]"]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)

"""Measures the curve of docs/PERFORMANCE.md: `python -m benchmarks.curve_run`, `make curve`; part of `make bench`.

Each group of stations has a PostgreSQL and a mesh of its own. The figures go to `benchmarks/results/`, with the commit
and the machine.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.curve import Curve, Point, Quiet
from benchmarks.errors import BenchmarkError
from benchmarks.extremes import allow_sockets
from benchmarks.loaders import Loaders
from benchmarks.measuring import Acknowledged
from benchmarks.operator_calls import check_ledger, make_id_tags, recorded
from benchmarks.postgres import postgres
from benchmarks.report import machine, say
from benchmarks.servers import ALL_SERVICES, Mesh, mesh
from benchmarks.turns import RESULTS, git
from benchmarks.yardstick import measure_echo, station_ids

IDLE_S, SILENT_S = 30.0, 60.0
# From the last fixed rate on, until the system does not keep up.
STEP = 1.25


@dataclass(frozen=True, kw_only=True)
class Group:
    """Stations, the rates at which they send, and whether the highest rate that holds is looked for beyond."""

    stations: int
    rates: Sequence[float]
    to_the_limit: bool = False
    quiet: bool = False  # whether the mesh is measured without load, too


FULL = (
    Group(stations=10_000, rates=(50, 100, 500, 2_000), to_the_limit=True, quiet=True),
    Group(stations=1_000, rates=(500,)),
    Group(stations=100, rates=(500,)),
)
QUICK = (Group(stations=1_000, rates=(100, 500), quiet=True),)


@dataclass(kw_only=True)
class Findings:
    """All that was measured; E in µs, before and after each group."""

    e_us: list[float] = field(default_factory=list)
    points: list[Point] = field(default_factory=list)
    quiet: list[Quiet] = field(default_factory=list)

    @property
    def e(self) -> float:
        """The mean of E so far."""
        return sum(self.e_us) / len(self.e_us)

    def to_json(self) -> dict[str, Any]:
        """All figures, with commit and machine."""
        points = [
            {
                **asdict(point),
                "ours_e": round(point.ours_us / self.e, 2),
                "with_database_e": round(point.all_us / self.e, 2),
            }
            for point in self.points
        ]
        return {
            "commit": git("rev-parse", "--short", "HEAD"),
            **machine(),
            "e_us": self.e_us,
            "points": points,
            "quiet": [asdict(quiet) for quiet in self.quiet],
        }


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.curve_run", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="1,000 stations, two rates, short windows")
    parser.add_argument("--stations", type=int, help="only so many stations, at the rates of --rate")
    parser.add_argument("--rate", type=float, action="append", default=[], help="messages a second")
    parser.add_argument("--all-in-one", action="store_true", help="all parts in one process")
    parser.add_argument("--window", type=float, default=15.0, help="seconds of a window (default: 15)")
    parser.add_argument("--windows", type=int, default=3, help="windows of a point, of which the median counts")
    parser.add_argument("--json", type=Path, help="write the figures there, in place of benchmarks/results/")
    return parser.parse_args(arguments)


async def run(groups: Sequence[Group], options: argparse.Namespace) -> Findings:
    """Measures all groups. Raises BenchmarkError where something was lost or doubled."""
    allow_sockets(max(group.stations for group in groups))
    found = Findings()
    for group in groups:
        found.e_us.append(await measure_echo(50))
        with tempfile.TemporaryDirectory(prefix="csms-curve-") as directory, postgres(Path(directory)) as database:
            own = Path(directory)
            async with mesh(database, own, services=ALL_SERVICES, all_in_one=options.all_in_one) as running:
                told = await _measure(running, group, options, found)
                say(check_ledger(told, await recorded(running)))
        found.e_us.append(await measure_echo(50))
    return found


async def _measure(running: Mesh, group: Group, options: argparse.Namespace, found: Findings) -> Acknowledged:
    stations = station_ids("Fleet", group.stations)
    await make_id_tags(running, [f"TAG-{one}" for one in stations])
    async with Loaders(processes=1) as loaders:
        if group.quiet:
            await _note_quiet(Curve(running, loaders, []), IDLE_S, found)
        curve = Curve(running, loaders, stations)
        await curve.connect()
        if group.quiet:
            await _note_quiet(curve, SILENT_S, found)
        rates = list(group.rates)
        while rates:
            point = await curve.point(rates.pop(0), warm_up_s=5.0, window_s=options.window, windows=options.windows)
            found.points.append(point)
            say(point.describe(found.e))
            if not rates and group.to_the_limit and point.holds:
                rates.append(point.rate * STEP)
        return await curve.finish()


async def _note_quiet(curve: Curve, seconds: float, found: Findings) -> None:
    found.quiet.append(await curve.quiet(seconds))
    say(found.quiet[-1].describe())


def main() -> None:
    """Measures, prints, and writes the figures."""
    options = parse(sys.argv[1:])
    groups: Sequence[Group] = QUICK if options.quick else FULL
    if options.stations:
        groups = (Group(stations=options.stations, rates=options.rate or (100.0, 500.0)),)
    try:
        document = asyncio.run(run(groups, options)).to_json() | {"all_in_one": options.all_in_one}
    except BenchmarkError as error:
        sys.exit(f"curve: {error}")
    layout = "-all-in-one" if options.all_in_one else ""
    path = options.json or RESULTS / f"curve-{document['commit']}{layout}.json"
    path.write_text(json.dumps(document, indent=2) + "\n")
    say(f"E {document['e_us']}\n{path}")


if __name__ == "__main__":
    main()

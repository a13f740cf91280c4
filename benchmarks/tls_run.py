"""The price of TLS: `python -m benchmarks.tls_run`, `make bench-tls`; part of `make bench`.

Handshakes of thousands of stations at once, each kind on a PostgreSQL and a mesh of its own; then cases of the closed
loop with TLS and without it by turns, on one mesh. The figures go to `benchmarks/results/`, with commit and machine.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.errors import BenchmarkError
from benchmarks.extremes import allow_sockets
from benchmarks.figures import median
from benchmarks.handshakes import Found, measure_plain, measure_tls
from benchmarks.measuring import Acknowledged, Measured, Plan, measure
from benchmarks.operator_calls import check_ledger, make_id_tags, recorded
from benchmarks.postgres import postgres
from benchmarks.report import Cost, align, machine, say
from benchmarks.servers import Mesh, mesh
from benchmarks.turns import RESULTS, git
from benchmarks.yardstick import QUICK, measure_echo, station_ids

FULL = Plan(warm_up_s=2.0, window_s=3.0, windows=3)
STATIONS, QUICK_STATIONS = 10_000, 500
PAIRS, QUICK_PAIRS = 3, 1
CASES = tuple((workload, stations) for workload in ("Heartbeat", "MeterValues", "Session") for stations in (50, 500))
QUICK_CASES = tuple((workload, 50) for workload in ("Heartbeat", "MeterValues", "Session"))


@dataclass(frozen=True, kw_only=True)
class Case:
    """One case by turns; each pair is without TLS, with it."""

    workload: str
    stations: int
    pairs: Sequence[tuple[Cost, Cost]]

    @property
    def ratio(self) -> float:
        """How many times as much CPU a message costs with TLS, the database included: the median of the pairs."""
        return median([encrypted.all_us / plain.all_us for plain, encrypted in self.pairs])

    def to_json(self) -> dict[str, Any]:
        """All figures."""
        plain, encrypted = zip(*self.pairs, strict=True)
        return {
            "workload": self.workload,
            "stations": self.stations,
            "plain": [one.to_json() for one in plain],
            "tls": [one.to_json() for one in encrypted],
            "median_ratio": round(self.ratio, 4),
        }

    def row(self) -> list[str]:
        """Medians over the pairs: without TLS, with it."""
        cells = [self.workload, str(self.stations)]
        for one in zip(*self.pairs, strict=True):
            cells += [
                f"{median([cost.measured.rate for cost in one]):,.0f}",
                f"{median([cost.measured.p50_ms for cost in one]):.2f}",
                f"{median([cost.measured.p99_ms for cost in one]):.2f}",
                f"{median([cost.measured.cpu_us['gateway'] for cost in one]):.0f}",
                f"{median([cost.all_us for cost in one]):.0f}",
            ]
        return [*cells, f"{self.ratio:.2f}"]


@dataclass(kw_only=True)
class Findings:
    """All that was measured."""

    handshakes: Found = field(default_factory=lambda: Found(handshakes=(), idle_kib_each={}))
    cases: list[Case] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """All figures, with commit and machine."""
        return {
            "commit": git("rev-parse", "--short", "HEAD"),
            **machine(),
            **self.handshakes.to_json(),
            "closed_loop": [case.to_json() for case in self.cases],
        }


def table(cases: Sequence[Case]) -> str:
    """The closed loop without TLS and with it, side by side."""
    columns = ["msg/s", "p50 ms", "p99 ms", "gateway µs", "all µs"]
    head = ["workload", "stations", *columns, *(f"TLS: {name}" for name in columns), "ratio"]
    return align([head, *(case.row() for case in cases)])


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tls_run", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="500 stations, 50 in the closed loop, short windows")
    parser.add_argument("--stations", type=int, help="stations that come at once, 0 for none (default: 10000)")
    parser.add_argument("--pairs", type=int, help="pairs of each case, 0 for none (default: 3)")
    parser.add_argument("--load-processes", type=int, default=1, help="processes that make the load (default: 1)")
    parser.add_argument("--json", type=Path, help="write the figures there, in place of benchmarks/results/")
    found = parser.parse_args(arguments)
    found.stations = (QUICK_STATIONS if found.quick else STATIONS) if found.stations is None else found.stations
    found.pairs = (QUICK_PAIRS if found.quick else PAIRS) if found.pairs is None else found.pairs
    return found


async def run(options: argparse.Namespace) -> Findings:
    """Measures everything. Raises BenchmarkError where a station is not admitted, or a message lost or doubled."""
    allow_sockets(max(options.stations, 500))
    found = Findings()
    if options.stations:
        found.handshakes = await _at_once(options)
        say(found.handshakes.describe())
    if options.pairs:
        with tempfile.TemporaryDirectory(prefix="csms-tls-") as directory, postgres(Path(directory)) as database:
            async with mesh(database, Path(directory), tls=True) as running:
                plan, cases = (QUICK, QUICK_CASES) if options.quick else (FULL, CASES)
                told = Acknowledged()
                for workload, stations in cases:
                    case, acknowledged = await by_turns(running, workload, stations, plan=plan, pairs=options.pairs)
                    told += acknowledged
                    found.cases.append(case)
                say(table(found.cases))
                say(check_ledger(told, await recorded(running)))
    return found


async def _at_once(options: argparse.Namespace) -> Found:
    found = Found(handshakes=(), idle_kib_each={})
    stations = station_ids("Handshake", options.stations)
    for is_encrypted in (False, True):
        with tempfile.TemporaryDirectory(prefix="csms-tls-") as directory, postgres(Path(directory)) as database:
            async with mesh(database, Path(directory), tls=True) as running:
                if is_encrypted:
                    assert running.tls_target is not None  # noqa: S101 - it was started with one
                    found += await measure_tls(running.tls_target, stations, load_processes=options.load_processes)
                else:
                    found += await measure_plain(running.target, stations, load_processes=options.load_processes)
    return found


async def by_turns(running: Mesh, workload: str, stations: int, *, plan: Plan, pairs: int) -> tuple[Case, Acknowledged]:
    """One case of the closed loop, by turns without TLS and with it; the order of the two changes from pair to pair."""
    assert running.tls_target is not None  # noqa: S101 - the caller's choice
    ids = station_ids(workload, stations)
    await make_id_tags(running, [f"TAG-{one}" for one in ids])
    found: list[tuple[Cost, Cost]] = []
    told = Acknowledged()
    for pair in range(pairs):
        e_us = await measure_echo(stations)
        targets = [running.target, running.tls_target]
        measured: dict[str, Measured] = {}
        for target in targets if pair % 2 == 0 else reversed(targets):
            one = await measure(target, workload=workload, stations=ids, plan=plan, load_processes=1)
            told += one.acknowledged
            measured[target.name] = one
        plain, encrypted = (Cost(measured=measured[target.name], e_us=e_us) for target in targets)
        say(
            f"pair {pair + 1}  {workload} {stations}  {plain.all_us:.0f} -> {encrypted.all_us:.0f} µs, "
            f"gateway {plain.measured.cpu_us['gateway']:.0f} -> {encrypted.measured.cpu_us['gateway']:.0f} µs"
        )
        found.append((plain, encrypted))
    return Case(workload=workload, stations=stations, pairs=found), told


def main() -> None:
    """Measures, prints, and writes the figures."""
    options = parse(sys.argv[1:])
    try:
        document = asyncio.run(run(options)).to_json()
    except BenchmarkError as error:
        sys.exit(f"tls: {error}")
    path = options.json or RESULTS / f"tls-{document['commit']}.json"
    path.write_text(json.dumps(document, indent=2) + "\n")
    say(str(path))


if __name__ == "__main__":
    main()

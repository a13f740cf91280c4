"""Runs the benchmark and prints its table: `make bench`, or `python -m benchmarks --quick`."""

import argparse
import asyncio
import json
import os
import platform
import sys
import tempfile
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path

import grpc

from benchmarks import open_loop
from benchmarks.catalogue import WORKLOADS
from benchmarks.errors import BenchmarkError
from benchmarks.extremes import Arrival, allow_sockets, storm
from benchmarks.front_door import RestCommands, measure_rest
from benchmarks.measuring import Acknowledged, Measured, Plan, measure
from benchmarks.open_loop import Fleet, measure_fleet
from benchmarks.operator_calls import check_ledger, make_id_tags, recorded
from benchmarks.postgres import postgres
from benchmarks.report import LONE_TARGET_MS, Cost, lanes_table, machine, processes_table, say, table
from benchmarks.servers import Database, Mesh, mesh
from benchmarks.step_profile import StepProfile, profile, steps_table
from benchmarks.yardstick import QUICK, measure_echo, station_ids

FULL = Plan(warm_up_s=2.0, window_s=3.0, windows=5)
LONE = "StartTransaction"
# Cases: workload and number of stations, in this order.
CASES = (
    ("Heartbeat", 50),
    ("Heartbeat", 500),
    ("MeterValues", 50),
    ("MeterValues", 500),
    ("Authorize", 50),
    ("Session", 50),
    ("Session", 500),
    ("Session201", 50),
    (LONE, 1),
)
# Cases that run once more with a clock in each step, on PostgreSQL.
STEP_CASES = (("Heartbeat", 50), ("MeterValues", 50), ("Session", 50), ("Session201", 50))
DATABASES = ("sqlite", "postgresql")
STORM, QUICK_STORM = 10_000, 1_000
QUICK_FLEET = 1_000
REST = 20  # stations that commands through Envoy go to in turn


@dataclass(frozen=True, kw_only=True)
class Options:
    """The cases to measure, and how."""

    plan: Plan
    databases: Sequence[str]
    cases: Sequence[tuple[str, int]]
    storm: int  # stations that arrive at once; 0: none
    fleet: int  # stations of the open loop, which runs on PostgreSQL; 0: none
    fleet_plan: Plan
    rest: bool  # whether commands go through Envoy
    steps: Sequence[tuple[str, int]]  # cases of which the steps are reported
    load_processes: int
    json_path: Path | None


@dataclass(kw_only=True)
class Findings:
    """All that was measured. Something in `failures` fails the run, which goes on all the same."""

    costs: list[Cost] = field(default_factory=list)
    arrivals: dict[str, Arrival] = field(default_factory=dict)  # by database
    rest: list[RestCommands] = field(default_factory=list)
    fleet: Fleet | None = None
    steps: list[StepProfile] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


def parse(arguments: Sequence[str]) -> Options:
    """Reads the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="What the mesh costs.")
    parser.add_argument("--quick", action="store_true", help="short windows: four minutes, and less to rely on")
    parser.add_argument("--database", action="append", choices=DATABASES, help="only this one (default: both)")
    parser.add_argument("--workload", action="append", choices=sorted(WORKLOADS), help="only this one (default: all)")
    parser.add_argument("--stations", type=int, action="append", help="only with so many stations")
    parser.add_argument("--storm", type=int, help="stations that arrive at once, 0 for none (default: 10000)")
    parser.add_argument("--fleet", type=int, help="stations of the open loop, 0 for none (default: 10000)")
    parser.add_argument("--no-rest", action="store_true", help="no commands through Envoy")
    parser.add_argument("--no-steps", action="store_true", help="no second run for what each step takes")
    parser.add_argument("--no-table", action="store_true", help="no workloads: only the storm, Envoy, the open loop")
    parser.add_argument("--load-processes", type=int, default=1, help="processes that make the load (default: 1)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there, too")
    found = parser.parse_args(arguments)
    cases = [
        (workload, stations)
        for workload, stations in CASES
        if (not found.workload or workload in found.workload) and (not found.stations or stations in found.stations)
    ]
    if found.no_table:
        cases = []
    elif not cases:
        parser.error(f"none of the cases is that: {', '.join(f'{name} with {count}' for name, count in CASES)}")
    return Options(
        plan=QUICK if found.quick else FULL,
        databases=found.database or DATABASES,
        cases=cases,
        storm=(QUICK_STORM if found.quick else STORM) if found.storm is None else found.storm,
        fleet=(QUICK_FLEET if found.quick else open_loop.STATIONS) if found.fleet is None else found.fleet,
        fleet_plan=open_loop.QUICK if found.quick else open_loop.FULL,
        rest=not found.no_rest,
        steps=() if found.no_steps else [case for case in STEP_CASES if case in cases],
        load_processes=found.load_processes,
        json_path=found.json,
    )


async def main(options: Options) -> Sequence[str]:
    """Measures everything and returns what failed. Raises BenchmarkError where nothing more can be measured."""
    if not Path("/proc/self/stat").exists():  # noqa: ASYNC240 - once, before anything is measured
        raise BenchmarkError("CPU time is read from /proc, which this machine does not have: run it on Linux")
    say(f"{platform.platform()}, Python {platform.python_version()}, {os.cpu_count()} CPUs; CPU time per message in µs")
    allow_sockets(max(options.storm, options.fleet, 500))
    found = Findings()
    with tempfile.TemporaryDirectory(prefix="csms-bench-") as directory:
        for name in options.databases:
            await measure_database(options, name, make_directory(directory, name), found)
        if options.fleet and "postgresql" in options.databases:
            await let_live(options, make_directory(directory, "fleet"), found)
        if "postgresql" in options.databases:
            await tell_steps(options, make_directory(directory, "steps"), found)
    say("")
    for line in summary(found):
        say(line)
    if options.json_path is not None:
        write_json(options.json_path, found)
    return found.failures


async def measure_database(options: Options, name: str, directory: Path, found: Findings) -> None:
    """All cases on one kind of database; checks at the end that all that was acknowledged is there."""
    if not (options.storm or options.cases or options.rest):
        return
    source = postgres(directory) if name == "postgresql" else nullcontext(Database(name="SQLite", url=None, root=None))
    told = Acknowledged()
    with source as database:
        async with mesh(database, directory) as running:
            await make_id_tags(running, [f"TAG-{one}" for case in options.cases for one in station_ids(*case)])
            # First, while the gateway's memory is what it is without load.
            if options.storm:
                await let_arrive(options, running, found)
            for workload, stations in options.cases:
                before_us = await measure_echo(stations, load_processes=options.load_processes)
                measured = await measure(
                    running.target,
                    workload=workload,
                    stations=station_ids(workload, stations),
                    plan=options.plan,
                    load_processes=min(options.load_processes, stations),
                )
                told += measured.acknowledged
                e_us = (before_us + await measure_echo(stations, load_processes=options.load_processes)) / 2
                found.costs.append(Cost(measured=measured, e_us=e_us))
                say(f"{progress(measured)}, E = {e_us:.1f} µs")
                if measured.dropped:
                    # Targets are PostgreSQL's: SQLite has one writer, and falls behind by design.
                    told_at = found.failures if name == "postgresql" else found.notes
                    told_at.append(
                        f"{name}, {workload}, {stations} stations: the message log lost {measured.dropped:,} frames, "
                        "which cost nothing: the figures are too good"
                    )
            if options.rest:
                found.rest.append(await measure_rest(running, directory, stations=station_ids("Rest", REST)))
                say(found.rest[-1].describe())
            say(f"{database.name}: {check_ledger(told, await recorded(running))}")


async def let_arrive(options: Options, running: Mesh, found: Findings) -> None:
    """The storm; where it fails, the other measurements mean something all the same."""
    ids = station_ids("Arrival", options.storm)
    name = running.target.name
    try:
        arrival = await storm(running, stations=ids, load_processes=options.load_processes)
    except BenchmarkError as error:
        found.failures.append(f"{name}: the storm failed: {error}")
        say(found.failures[-1])
        return
    found.arrivals[name] = arrival
    say(arrival.describe(name))


async def let_live(options: Options, directory: Path, found: Findings) -> None:
    """The open loop, on a PostgreSQL and a mesh of its own: the gateway has served nobody yet."""
    few, many = station_ids("Few", open_loop.FEW), station_ids("Many", options.fleet)
    with postgres(directory) as database:
        async with mesh(database, directory) as running:
            await make_id_tags(running, [f"TAG-{one}" for one in [*few, *many]])
            found.fleet = await measure_fleet(
                running, few=few, many=many, plan=options.fleet_plan, load_processes=options.load_processes
            )
            if found.fleet.shortfall is not None:
                found.failures.append(found.fleet.shortfall)
            say(found.fleet.describe())
            say(f"{database.name}: {check_ledger(found.fleet.acknowledged, await recorded(running))}")


async def tell_steps(options: Options, directory: Path, found: Findings) -> None:
    """Some of the cases once more, each on a PostgreSQL and a mesh of its own with a clock in each step."""
    for workload, stations in options.steps:
        own = make_directory(str(directory), workload)
        with postgres(own) as database:
            one = await profile(
                database,
                own,
                workload=workload,
                stations=station_ids(workload, stations),
                plan=options.plan,
                load_processes=options.load_processes,
            )
            found.steps.append(one)
            say(f"{database.name}, {workload}, {stations} stations: steps reported")


def make_directory(parent: str, name: str) -> Path:
    """A directory for one run's files."""
    directory = Path(parent) / name
    directory.mkdir()
    return directory


def progress(found: Measured) -> str:
    """One line when a case is done."""
    return (
        f"{found.target}, {found.workload}, {found.stations} stations: {found.rate:,.0f} messages/s, "
        f"p50 {found.p50_ms:.2f} ms, p99 {found.p99_ms:.2f} ms"
    )


def summary(found: Findings) -> list[str]:
    """All that was measured, for a person."""
    lines = []
    if found.costs:
        tables = (table(found.costs), processes_table(found.costs), lanes_table(found.costs))
        lines = ["\n\n".join(tables), *remarks(found.costs)]
    if found.steps:
        lines += ["", steps_table(found.steps), ""]
    lines += [arrival.describe(name) for name, arrival in found.arrivals.items()]
    lines += [rest.describe() for rest in found.rest]
    if found.fleet is not None:
        lines.append(found.fleet.describe())
    lines += found.notes
    return [*lines, *(f"FAILED: {failure}" for failure in found.failures)]


def remarks(costs: Sequence[Cost]) -> list[str]:
    """Remarks that the table has no room for."""
    lines = ["", "E: CPU time per message of a bare websockets echo server, under the same load before and after."]
    for cost in costs:
        if cost.measured.workload == LONE:
            p50, p99 = LONE_TARGET_MS
            lines.append(
                f"A lone station's StartTransaction on {cost.measured.target}: p50 {cost.measured.p50_ms:.1f} ms "
                f"(≤ {p50:g}), p99 {cost.measured.p99_ms:.1f} ms (≤ {p99:g} on PostgreSQL)."
            )
    return lines


def write_json(path: Path, found: Findings) -> None:
    """All figures, for programs."""
    document = {
        **machine(),
        "measured": [cost.to_json() for cost in found.costs],
        "storms": {name: asdict(arrival) for name, arrival in found.arrivals.items()},
        "rest": [asdict(rest) for rest in found.rest],
        "fleet": None if found.fleet is None else found.fleet.to_json(),
        "steps": [asdict(one) for one in found.steps],
        "notes": found.notes,
        "failures": found.failures,
    }
    path.write_text(json.dumps(document, indent=2) + "\n")


if __name__ == "__main__":
    try:
        sys.exit(1 if asyncio.run(main(parse(sys.argv[1:]))) else 0)
    except BenchmarkError as error:
        sys.exit(f"benchmark: {error}")
    except grpc.aio.AioRpcError as error:
        sys.exit(f"benchmark: a call failed with {error.code().name}: {error.details()}")
    except KeyboardInterrupt:
        sys.exit(130)

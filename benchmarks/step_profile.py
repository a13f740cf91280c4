"""Runs a workload with a clock in each process, and reports the cost of each step of a message."""

import json
import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.errors import BenchmarkError
from benchmarks.measuring import Plan, measure
from benchmarks.operator_calls import make_id_tags
from benchmarks.report import DATABASE, align
from benchmarks.servers import Database, mesh, steps_file
from benchmarks.steps import TABLE

REST = "all else"
# Each message that comes in is parsed once: what the totals of a run are divided by.
_COUNTED = "OCPP-J: parse"


@dataclass(frozen=True, kw_only=True)
class StepProfile:
    """CPU microseconds per message, by process and step; the last step of each is what no other covers."""

    workload: str
    stations: int
    steps: Mapping[str, Mapping[str, float]]


async def profile(
    database: Database, directory: Path, *, workload: str, stations: Sequence[str], plan: Plan, load_processes: int
) -> StepProfile:
    """Measures on a mesh of its own. Raises BenchmarkError as `measure` does, and if a process reported no steps."""
    async with mesh(database, directory, steps=True) as running:
        await make_id_tags(running, [f"TAG-{one}" for one in stations])
        for process in TABLE:
            os.kill(running.target.roots[process], signal.SIGUSR1)
        measured = await measure(
            running.target, workload=workload, stations=stations, plan=plan, load_processes=load_processes
        )
    totals = {process: _read(directory, process) for process in TABLE}
    messages = totals["gateway"][_COUNTED]["calls"]
    steps = {}
    for process, found in totals.items():
        taken = {step: one["us"] / messages for step, one in found.items()}
        steps[process] = {**taken, REST: max(0.0, measured.cpu_us[process] - sum(taken.values()))}
    if DATABASE in measured.cpu_us:
        steps[DATABASE] = {"all of it": measured.cpu_us[DATABASE]}
    return StepProfile(workload=workload, stations=len(stations), steps=steps)


def _read(directory: Path, process: str) -> dict[str, dict[str, float]]:
    try:
        found: dict[str, dict[str, float]] = json.loads(steps_file(directory, process).read_bytes())
    except (OSError, ValueError) as error:
        raise BenchmarkError(f"{process} did not report the cost of its steps: {error}") from error
    return found


def steps_table(profiles: Sequence[StepProfile]) -> str:
    """Steps as rows, workloads as columns; steps that take nothing anywhere are left out."""
    rows = [["process", "step", *(f"{one.workload} {one.stations}" for one in profiles)]]
    for process, known in profiles[0].steps.items():
        for step in known:
            cells = [f"{one.steps[process][step]:.1f}" for one in profiles]
            if any(cell != "0.0" for cell in cells):
                rows.append([process, step, *cells])
    return "CPU time per message by step, µs, with a clock in each step (so that all is dearer)\n" + align(rows)

"""Before against after, by turns: `python -m benchmarks.turns COMMIT`. One run of each proves little.

The commit is checked out into a worktree of its own. Both run the closed-loop table on PostgreSQL by turns, with the
same Python and the same packages. The figure is the ratio of a pair's costs in E, an echo that is measured around each
case: a machine's speed may change by a half within minutes. The median of the pairs counts.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.report import machine

ROOT = Path(__file__).resolve().parent.parent
RESULTS = Path(__file__).resolve().parent / "results"
Case = tuple[str, int]
"""Workload and number of stations."""
Pair = tuple["Cost", "Cost"]
"""Before and after."""

_BENCHMARK = ("-m", "benchmarks", "--database", "postgresql", "--storm", "0", "--fleet", "0", "--no-rest", "--no-steps")


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.turns", description=__doc__)
    parser.add_argument("before", help="the commit to compare with")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--workload", action="append", default=[], help="only this one")
    parser.add_argument("--stations", action="append", default=[], help="only with so many stations")
    parser.add_argument("--quick", action="store_true", help="short windows")
    return parser.parse_args(arguments)


def git(*arguments: str) -> str:
    """The output of a git command."""
    command = ["git", "-C", str(ROOT), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()  # noqa: S603 - ours


def run_once(tree: Path, options: argparse.Namespace) -> Mapping[Case, Mapping[str, Any]]:
    """The closed-loop table of one checkout. A run that loses or doubles something fails here."""
    arguments = [*_BENCHMARK, *(["--quick"] if options.quick else [])]
    for name in ("workload", "stations"):
        for value in getattr(options, name):
            arguments += [f"--{name}", value]
    with tempfile.TemporaryDirectory(prefix="csms-turns-") as directory:
        path = Path(directory) / "table.json"
        environment = {**os.environ, "PYTHONPATH": f"{tree}{os.pathsep}{tree / 'gen'}"}
        command = [sys.executable, *arguments, "--json", str(path)]
        done = subprocess.run(command, check=False, cwd=tree, env=environment, capture_output=True, text=True)  # noqa: S603
        if not path.exists():
            raise SystemExit(f"{tree}: the benchmark failed\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        found = json.loads(path.read_text())["measured"]
    return {(row["workload"], row["stations"]): row for row in found}


@dataclass(frozen=True)
class Cost:
    """CPU time of a message, the database's included."""

    us: float
    e: float


def cost(row: Mapping[str, Any]) -> Cost:
    """The cost of one run of a case."""
    us = float(sum(row["cpu_us_per_message"].values()))
    return Cost(us, us / float(row["e_us"]))


def compare(tree: Path, options: argparse.Namespace) -> Mapping[Case, Sequence[Pair]]:
    """The costs before and after of each pair, by case. The order of the two changes from pair to pair."""
    costs: dict[Case, list[Pair]] = {}
    for pair in range(options.pairs):
        trees = (tree, ROOT) if pair % 2 == 0 else (ROOT, tree)
        found = {place: run_once(place, options) for place in trees}
        for case, row in found[ROOT].items():
            before, after = cost(found[tree][case]), cost(row)
            costs.setdefault(case, []).append((before, after))
            in_us, in_e = f"{before.us:.1f} -> {after.us:.1f} µs", f"{before.e:.2f} -> {after.e:.2f} E"
            sys.stdout.write(f"pair {pair + 1}  {case[0]} {case[1]}  {in_us}, {in_e}\n")
            sys.stdout.flush()
    return costs


def report(costs: Mapping[Case, Sequence[Pair]], before: str) -> Mapping[str, Any]:
    """The ratios, with commit and machine."""
    cases = [
        {
            "workload": workload,
            "stations": stations,
            "before_us": [round(before.us, 1) for before, _after in pairs],
            "after_us": [round(after.us, 1) for _before, after in pairs],
            "before_e": [round(before.e, 3) for before, _after in pairs],
            "after_e": [round(after.e, 3) for _before, after in pairs],
            "median_ratio_us": round(statistics.median(after.us / before.us for before, after in pairs), 4),
            "median_ratio": round(statistics.median(after.e / before.e for before, after in pairs), 4),
        }
        for (workload, stations), pairs in costs.items()
    ]
    ratios = [float(str(case["median_ratio"])) for case in cases]
    return {
        "before": git("rev-parse", "--short", before),
        "after": git("rev-parse", "--short", "HEAD"),
        **machine(),
        "cases": cases,
        "median_of_cases": round(statistics.median(ratios), 4),
    }


def main() -> None:
    """Measures, prints the ratios, and writes them to `results/`."""
    options = parse(sys.argv[1:])
    with tempfile.TemporaryDirectory(prefix="csms-before-") as directory:
        tree = Path(directory) / "tree"
        git("worktree", "add", "--detach", str(tree), options.before)
        try:
            document = report(compare(tree, options), options.before)
        finally:
            git("worktree", "remove", "--force", str(tree))
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"turns-{document['before']}-{document['after']}.json"
    path.write_text(json.dumps(document, indent=2) + "\n")
    sys.stdout.write(json.dumps(document, indent=2) + f"\n{path}\n")


if __name__ == "__main__":
    main()

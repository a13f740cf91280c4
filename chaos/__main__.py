"""`python -m chaos`: runs the ledger test, prints its figures, and fails where one is off. What `make chaos` does."""

import argparse
import asyncio
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.report import align
from chaos.errors import ChaosError
from chaos.run import Options, Outcome, run

# Of each figure that is off, so many faults are listed.
MOST_FAULTS = 10


def parse(arguments: Sequence[str]) -> tuple[Options, bool]:
    """Reads the command line: what is run, and whether the logs are kept whatever comes of it."""
    parser = argparse.ArgumentParser(prog="python -m chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=50, help="how often something is killed (default: 50)")
    parser.add_argument("--seed", type=int, default=1, help="chooses what is killed and when (default: 1)")
    parser.add_argument("--stations", type=int, default=60, help="size of the fleet (default: 60)")
    parser.add_argument("--interval", type=float, default=1.5, help="seconds between kills, in the mean (default: 1.5)")
    parser.add_argument("--pace", type=float, default=0.25, help="seconds between a station's messages (default: 0.25)")
    parser.add_argument(
        "--long-absences", type=int, default=3, help="kills after which the part stays down for 25 s (default: 3)"
    )
    parser.add_argument("--tls", action="store_true", help="every station over TLS, and certificates are rotated")
    parser.add_argument(
        "--rotations", type=int, default=6, help="with --tls: how often certificates are rotated (default: 6)"
    )
    parser.add_argument("--all-in-one", action="store_true", help="services and a gateway in one process")
    parser.add_argument("--keep-logs", action="store_true", help="keep the logs where nothing is off, too")
    found = parser.parse_args(arguments)
    options = Options(
        kills=found.kills,
        seed=found.seed,
        stations=found.stations,
        interval_s=found.interval,
        pace_s=found.pace,
        long_absences=found.long_absences,
        long_s=25.0,
        encrypted=1.0 if found.tls else 0.0,
        rotations=found.rotations if found.tls else 0,
        all_in_one=found.all_in_one,
    )
    return options, found.keep_logs


def report(outcome: Outcome) -> str:
    """The outcome for a person."""
    rows = [
        [figure.name, "ok" if not figure.faults else "OFF", f"{figure.told:,}", f"{figure.found:,}"]
        for figure in outcome.figures
    ]
    lines = [
        "killed: " + ", ".join(f"{name} {count}" for name, count in sorted(outcome.kills.items())),
        *(f"  {count:6,}  {what}" for what, count in outcome.happened.most_common()),
        "",
        align([["the ledger", "", "told", "found"], *rows]),
        "",
    ]
    for figure in outcome.figures:
        lines += [f"{figure.name}: {fault}" for fault in figure.faults[:MOST_FAULTS]]
        if len(figure.faults) > MOST_FAULTS:
            lines.append(f"{figure.name}: and {len(figure.faults) - MOST_FAULTS} more")
    verdict = "nothing acknowledged was lost or doubled" if outcome.ok else "THE LEDGER IS OFF"
    return "\n".join([*lines, f"{outcome.kills.total()} kills in {outcome.seconds:.0f} s: {verdict}"])


def main(arguments: Sequence[str]) -> int:
    """Runs it; returns the exit status. The logs stay where something is off."""
    options, keep_logs = parse(arguments)
    directory = Path(tempfile.mkdtemp(prefix="csms-chaos-"))
    try:
        outcome = asyncio.run(run(options, directory, say=say))
    except ChaosError as error:
        say(f"chaos: {error}")
        return 1
    say(report(outcome))
    if outcome.ok and not keep_logs:
        shutil.rmtree(directory, ignore_errors=True)
    else:
        say(f"the logs: {directory}")
    return 0 if outcome.ok else 1


def say(line: str) -> None:
    """Prints a line, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

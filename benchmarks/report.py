"""The table that the benchmark prints, and the same as JSON."""

import os
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.measuring import Measured

DATABASE = "database"
# CPU time per message as multiples of E, by workload and number of stations: ours, and with PostgreSQL's.
TARGETS: Mapping[tuple[str, int], tuple[float, float]] = {
    ("Heartbeat", 50): (2, 2.5),
    ("Heartbeat", 500): (2, 2.5),
    ("MeterValues", 50): (8, 11),
    ("MeterValues", 500): (6, 8),
    ("Session", 50): (10, 14),
    ("Session201", 50): (10, 14),
}
# Milliseconds for a lone station on a quiet system with PostgreSQL: p50, p99.
LONE_TARGET_MS = (10.0, 30.0)


def say(line: str) -> None:
    """Prints a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def machine() -> Mapping[str, Any]:
    """The machine that figures were measured on."""
    return {"machine": platform.platform(), "cpus": os.cpu_count(), "python": platform.python_version()}


@dataclass(frozen=True, kw_only=True)
class Cost:
    """The result of a measurement. `e_us` is the yardstick at the same number of stations."""

    measured: Measured
    e_us: float

    @property
    def ours_us(self) -> float:
        """CPU time per message of our own processes, in microseconds."""
        return sum(us for name, us in self.measured.cpu_us.items() if name != DATABASE)

    @property
    def all_us(self) -> float:
        """With the database's processes."""
        return sum(self.measured.cpu_us.values())

    def to_json(self) -> dict[str, Any]:
        """All figures, by name."""
        one = self.measured
        return {
            "database": one.target,
            "workload": one.workload,
            "stations": one.stations,
            "messages": one.messages,
            "messages_per_s": one.rate,
            "p50_ms": one.p50_ms,
            "p99_ms": one.p99_ms,
            "cpu_us_per_message": dict(one.cpu_us),
            "system_share": dict(one.system_share),
            "frames_not_logged": one.dropped,
            "lanes": {name: asdict(delivered) for name, delivered in one.lanes.items()},
            "e_us": self.e_us,
            "ours_e": self.ours_us / self.e_us,
            "with_database_e": self.all_us / self.e_us,
        }


def table(costs: Sequence[Cost]) -> str:
    """The measurements as aligned columns."""
    names = list(dict.fromkeys(name for cost in costs for name in cost.measured.cpu_us))
    head = ["database", "workload", "stations", "msg/s", "p50 ms", "p99 ms", *(f"{name} µs" for name in names)]
    head += ["ours", "target", "with db", "target"]
    return align([head, *(_row(cost, names) for cost in costs)])


def processes_table(costs: Sequence[Cost]) -> str:
    """Where the CPU goes, by process: microseconds per message, and how much of it is the kernel's (sockets, disk)."""
    names = list(dict.fromkeys(name for cost in costs for name in cost.measured.cpu_us))
    rows = [["database", "workload", "stations", *names]]
    for cost in costs:
        one = cost.measured
        shares = [_shares(one, name) if name in one.cpu_us else "" for name in names]
        rows.append([one.target, one.workload, str(one.stations), *shares])
    return "CPU time per message: in user mode + in the kernel, µs\n" + align(rows)


def lanes_table(costs: Sequence[Cost]) -> str:
    """How messages share their way from the gateway: a batch is one RPC and one transaction."""
    rows = [["database", "workload", "stations", "lane", "batches", "items", "a batch", "items a message"]]
    for cost in costs:
        one = cost.measured
        for lane, found in sorted(one.lanes.items()):
            if found.batches:
                each, share = found.items / found.batches, found.items / one.messages
                row = [one.target, one.workload, str(one.stations), lane, f"{found.batches:,}", f"{found.items:,}"]
                rows.append([*row, f"{each:.1f}", f"{share:.2f}"])
    return "The gateway's lanes meanwhile\n" + align(rows)


def _shares(one: Measured, name: str) -> str:
    system_us = one.cpu_us[name] * one.system_share.get(name, 0.0)
    return f"{one.cpu_us[name] - system_us:.0f} + {system_us:.0f}"


def _row(cost: Cost, names: Sequence[str]) -> list[str]:
    one = cost.measured
    target = TARGETS.get((one.workload, one.stations))
    row = [one.target, one.workload, str(one.stations), f"{one.rate:,.0f}", f"{one.p50_ms:.2f}", f"{one.p99_ms:.2f}"]
    row += [f"{one.cpu_us[name]:.0f}" if name in one.cpu_us else "" for name in names]
    row += [f"{cost.ours_us / cost.e_us:.1f} E", "" if target is None else f"≤ {target[0]:g} E"]
    if DATABASE not in one.cpu_us:
        return [*row, "", ""]
    return [*row, f"{cost.all_us / cost.e_us:.1f} E", "" if target is None else f"≤ {target[1]:g} E"]


def align(rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as they need to be; numbers to the right."""
    widths = [max(len(row[index]) for row in rows) for index in range(len(rows[0]))]
    lines = [
        "  ".join(cell.ljust(width) if index < 2 else cell.rjust(width) for index, (cell, width) in enumerate(cells))
        for cells in (list(zip(row, widths, strict=True)) for row in rows)
    ]
    return "\n".join([lines[0].rstrip(), "  ".join("-" * width for width in widths), *map(str.rstrip, lines[1:])])

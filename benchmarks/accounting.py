"""CPU time of processes, from Linux's /proc (proc_pid_stat(5)): user and system time, in ticks of usually 10 ms."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
_TICK_US = 1_000_000 // os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, kw_only=True)
class Stat:
    """CPU times of a process in /proc/<pid>/stat. `reaped_…` is of its ended children; `system` is a part of `cpu`."""

    pid: int
    parent: int
    cpu_us: int
    reaped_us: int
    resident_bytes: int
    system_us: int = 0
    reaped_system_us: int = 0


@dataclass(frozen=True, kw_only=True)
class CpuTime:
    """Microseconds of CPU: all of it, and what the kernel took of it on the process's behalf."""

    total_us: int
    system_us: int


def parse_stat(text: str) -> Stat:
    """Reads one /proc/<pid>/stat. The name in parentheses may hold spaces and parentheses of its own."""
    pid = int(text.partition(" ")[0])
    fields = text.rpartition(")")[2].split()
    user, system, reaped_user, reaped_system = (int(fields[index]) for index in (11, 12, 13, 14))
    return Stat(
        pid=pid,
        parent=int(fields[1]),
        cpu_us=(user + system) * _TICK_US,
        reaped_us=(reaped_user + reaped_system) * _TICK_US,
        resident_bytes=int(fields[21]) * _PAGE_BYTES,
        system_us=system * _TICK_US,
        reaped_system_us=reaped_system * _TICK_US,
    )


def read_all() -> dict[int, Stat]:
    """Every process of this machine that can be seen, by its id."""
    found = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            try:
                found[int(entry.name)] = parse_stat((entry / "stat").read_text())
            except (FileNotFoundError, ProcessLookupError):
                continue  # it has just ended
    return found


def tree_cpu(root: int, stats: Mapping[int, Stat]) -> CpuTime:
    """CPU time of a process and all its descendants, ended ones that were waited for included."""
    found = [stats[pid] for pid in tree(root, stats)]
    return CpuTime(
        total_us=sum(stat.cpu_us + stat.reaped_us for stat in found),
        system_us=sum(stat.system_us + stat.reaped_system_us for stat in found),
    )


def tree_resident_bytes(root: int, stats: Mapping[int, Stat]) -> int:
    """Resident memory of a process and its descendants; shared pages count once for each."""
    return sum(stats[pid].resident_bytes for pid in tree(root, stats))


def tree(root: int, stats: Mapping[int, Stat]) -> set[int]:
    """A process and all its descendants; empty where it is no more."""
    if root not in stats:
        return set()
    children: dict[int, list[int]] = {}
    for stat in stats.values():
        children.setdefault(stat.parent, []).append(stat.pid)
    tree, waiting = set(), [root]
    while waiting:
        pid = waiting.pop()
        tree.add(pid)
        waiting.extend(children.get(pid, ()))
    return tree


class CpuMeter:
    """CPU time of named process trees between two readings."""

    def __init__(self, roots: Mapping[str, int]) -> None:
        self._roots = dict(roots)
        self._began: dict[str, CpuTime] = {}

    def start(self) -> None:
        """Takes the first reading."""
        self._began = self._read()

    def stop(self) -> dict[str, CpuTime]:
        """The CPU time used since `start`, by name."""
        return {
            name: CpuTime(
                total_us=now.total_us - self._began[name].total_us,
                system_us=now.system_us - self._began[name].system_us,
            )
            for name, now in self._read().items()
        }

    def _read(self) -> dict[str, CpuTime]:
        stats = read_all()
        return {name: tree_cpu(root, stats) for name, root in self._roots.items()}


def missing(roots: Iterable[int]) -> list[int]:
    """Those of the processes that are no more."""
    stats = read_all()
    return [root for root in roots if root not in stats]

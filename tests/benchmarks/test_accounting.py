"""CPU time is counted for the right processes, and figures are what they are called."""

import math
import os
import subprocess
import sys

import pytest

from benchmarks.accounting import CpuMeter, CpuTime, Stat, missing, parse_stat, read_all, tree_cpu, tree_resident_bytes
from benchmarks.figures import median, percentile

STAT = "42 (a (b) c) S 7 42 42 0 -1 4194304 100 0 0 0 150 50 20 5 20 0 3 0 12345 1000000 2500 18446744073709551615"


def test_reads_a_line_of_proc() -> None:
    """A process's name may hold blanks and parentheses; ticks become microseconds, pages bytes."""
    stat = parse_stat(STAT)
    tick_us, page = 1_000_000 // os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
    assert (stat.pid, stat.parent, stat.cpu_us, stat.reaped_us) == (42, 7, 200 * tick_us, 25 * tick_us)
    assert (stat.system_us, stat.reaped_system_us) == (50 * tick_us, 5 * tick_us)
    assert stat.resident_bytes == 2500 * page


def test_a_tree_has_its_children_and_nothing_else() -> None:
    """Grandchildren and ended children count, neighbours do not."""

    def stat(pid: int, parent: int, cpu_us: int, reaped_us: int = 0) -> Stat:
        return Stat(
            pid=pid,
            parent=parent,
            cpu_us=cpu_us,
            reaped_us=reaped_us,
            resident_bytes=10,
            system_us=cpu_us // 10,
            reaped_system_us=reaped_us,
        )

    stats = {s.pid: s for s in (stat(1, 0, 1000), stat(2, 1, 100, 7), stat(3, 2, 20), stat(4, 1, 5000), stat(5, 3, 1))}
    assert tree_cpu(2, stats) == CpuTime(total_us=128, system_us=19)
    assert tree_resident_bytes(2, stats) == 30
    assert tree_cpu(99, stats) == CpuTime(total_us=0, system_us=0)


def test_measures_a_process_that_works() -> None:
    """A child that burns a quarter of a second of CPU is charged for about that, an idle one for next to nothing."""
    burn = (
        "import sys, time\nprint(flush=True)\nsys.stdin.readline()\n"
        "end = time.process_time() + 0.25\nwhile time.process_time() < end: pass\n"
        "print(flush=True)\nsys.stdin.read()"
    )
    rest = "print(flush=True); input()"
    with (
        subprocess.Popen([sys.executable, "-c", burn], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as busy,  # noqa: S603
        subprocess.Popen([sys.executable, "-c", rest], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as idle,  # noqa: S603
    ):
        assert busy.stdin is not None
        assert busy.stdout is not None
        meter = CpuMeter({"busy": busy.pid, "idle": idle.pid})
        for process in (busy, idle):  # until both have started, so that starting is not counted
            assert process.stdout is not None
            process.stdout.readline()
        meter.start()
        busy.stdin.write(b"go\n")
        busy.stdin.flush()
        busy.stdout.readline()
        found = meter.stop()
        assert 100_000 <= found["busy"].total_us <= 300_000
        assert found["idle"].total_us < 50_000
        assert missing([busy.pid, idle.pid]) == []
        busy.communicate()
        idle.communicate(b"\n")
    assert missing([busy.pid]) == [busy.pid]


def test_sees_itself() -> None:
    """The present process is in the list, as a child of its parent."""
    assert read_all()[os.getpid()].parent == os.getppid()


@pytest.mark.parametrize(("share", "expected"), [(0.5, 50), (0.99, 99), (1.0, 100), (0.0, 1), (0.001, 1), (0.011, 2)])
def test_percentiles_by_nearest_rank(share: float, expected: int) -> None:
    """Of the numbers from 1 to 100, unsorted."""
    assert percentile([float(n) for n in range(100, 0, -1)], share) == expected


def test_medians() -> None:
    """The middle, the mean of the two in the middle, and nothing of nothing."""
    assert median([3, 1, 2]) == 2
    assert median([4, 1, 2, 3]) == 2.5
    assert math.isnan(median([]))
    assert math.isnan(percentile([], 0.5))

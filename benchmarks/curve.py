"""The price of a message by the rate at which a fleet sends: one point after the other, with the same stations.

An open loop: messages come at times that are fixed beforehand, whatever the system does. Relay and notification_svc run
and count, and so do pings. The mix of messages is that of benchmarks/workloads_fleet.py.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.accounting import CpuMeter, missing
from benchmarks.batches import Delivered, drain, read_lanes
from benchmarks.errors import BenchmarkError
from benchmarks.figures import median, percentile
from benchmarks.loaders import Loaders
from benchmarks.measuring import TAIL_S, Acknowledged, add_up, resident_bytes
from benchmarks.report import DATABASE
from benchmarks.servers import Mesh

WORKLOAD = "Fleet"
KEPT_UP = 0.95  # of the rate; the rest is the wait for the last answers of a window


@dataclass(frozen=True, kw_only=True)
class Point:
    """One point of the curve: `stations` that send `rate` messages a second in all. CPU is in µs per message."""

    stations: int
    rate: float
    answered: float  # messages a second
    cpu_us: Mapping[str, float]
    p50_ms: float
    p99_ms: float
    heartbeat_p50_ms: float
    heartbeat_p99_ms: float
    items_a_batch: Mapping[str, float] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        """Whether the system kept up with the rate."""
        return self.answered >= KEPT_UP * self.rate

    @property
    def ours_us(self) -> float:
        """CPU of our own processes."""
        return sum(us for name, us in self.cpu_us.items() if name != DATABASE)

    @property
    def all_us(self) -> float:
        """CPU of our own processes and the database."""
        return sum(self.cpu_us.values())

    def describe(self, e_us: float) -> str:
        """In one line."""
        parts = ", ".join(f"{name} {us:.0f}" for name, us in self.cpu_us.items())
        batches = ", ".join(f"{name} {count:.1f}" for name, count in self.items_a_batch.items())
        return (
            f"{self.stations:>6,} stations, {self.rate:>6,.0f}/s ({self.answered:,.0f} answered): "
            f"ours {self.ours_us:.0f} µs = {self.ours_us / e_us:.1f} E, "
            f"with PostgreSQL {self.all_us:.0f} µs = {self.all_us / e_us:.1f} E, "
            f"p50 {self.p50_ms:.1f} ms, p99 {self.p99_ms:.1f} ms "
            f"(heartbeats {self.heartbeat_p50_ms:.1f}, {self.heartbeat_p99_ms:.1f})\n"
            f"        {parts}\n        items a batch: {batches}"
        )


@dataclass(frozen=True, kw_only=True)
class Quiet:
    """A mesh that has nothing to do but to keep `stations` connected: its CPU as a share of one core, by process."""

    stations: int
    core_share: Mapping[str, float]
    resident_bytes: Mapping[str, int]

    def describe(self) -> str:
        """In one line."""
        total = 100 * sum(self.core_share.values())
        parts = ", ".join(f"{name} {100 * share:.2f} %" for name, share in self.core_share.items())
        memory = sum(size for name, size in self.resident_bytes.items() if name != DATABASE) / 1024 / 1024
        return (
            f"{self.stations:>6,} silent stations: {total:.2f} % of a core ({parts}); "
            f"{memory:.0f} MiB without the database"
        )


class Curve:
    """Measures points with stations that stay connected from one to the next."""

    def __init__(self, running: Mesh, loaders: Loaders, stations: Sequence[str]) -> None:
        self._target = running.target
        self._loaders = loaders
        self._stations = stations

    async def connect(self) -> None:
        """Connects all stations, boots them, and brings each to its place in the cycle."""
        await self._loaders.share(
            "connect",
            stations=self._stations,
            **self._target.address(),
            workload=WORKLOAD,
            boot=True,
        )
        await drain(self._target.metrics_url)

    async def point(self, rate: float, *, warm_up_s: float, window_s: float, windows: int) -> Point:
        """One point; the medians of some windows. Raises BenchmarkError where a station is cut off."""
        await self._pace(rate, warm_up_s, record=False)
        await drain(self._target.metrics_url)
        await asyncio.sleep(TAIL_S)
        before = await read_lanes(self._target.metrics_url)
        found = [await self._window(rate, window_s) for _ in range(windows)]
        after = await read_lanes(self._target.metrics_url)
        if gone := missing(self._target.roots.values()):
            raise BenchmarkError(f"processes of the mesh died: {gone}")
        cpus, answers = [cpu for cpu, _ in found], [answer for _, answer in found]
        return Point(
            stations=len(self._stations),
            rate=rate,
            answered=median([answer["messages"] / answer["seconds"] for answer in answers]),
            cpu_us={name: median([cpu[name] for cpu in cpus]) for name in self._target.roots},
            p50_ms=_percentile_ms(answers, "latencies_s", 0.5),
            p99_ms=_percentile_ms(answers, "latencies_s", 0.99),
            heartbeat_p50_ms=_percentile_ms(answers, "apart_s", 0.5),
            heartbeat_p99_ms=_percentile_ms(answers, "apart_s", 0.99),
            items_a_batch=_sizes({name: after[name] - before[name] for name in after}),
        )

    async def quiet(self, seconds: float) -> Quiet:
        """The mesh while no station sends anything."""
        await asyncio.sleep(TAIL_S)
        meter = CpuMeter(self._target.roots)
        meter.start()
        await asyncio.sleep(seconds)
        cpu = meter.stop()
        return Quiet(
            stations=len(self._stations),
            core_share={name: time.total_us / seconds / 1_000_000 for name, time in cpu.items()},
            resident_bytes=resident_bytes(self._target),
        )

    async def finish(self) -> Acknowledged:
        """Ends the transactions and closes the sockets; the sum of all that was acknowledged."""
        return add_up(await self._loaders.all("finish"))

    async def _pace(self, rate: float, seconds: float, *, record: bool) -> dict[str, Any]:
        answers = await self._loaders.all("pace", seconds=seconds, record=record, rate=rate / self._loaders.count)
        return {
            "messages": sum(answer["messages"] for answer in answers),
            "seconds": max(answer["seconds"] for answer in answers),
            "latencies_s": [one for answer in answers for one in answer["latencies_s"]],
            "apart_s": [one for answer in answers for one in answer["apart_s"]],
        }

    async def _window(self, rate: float, seconds: float) -> tuple[dict[str, float], dict[str, Any]]:
        """CPU in µs per message by process, and the load's answer. Late work is paid for by its own window."""
        meter = CpuMeter(self._target.roots)
        meter.start()
        answer = await self._pace(rate, seconds, record=True)
        await drain(self._target.metrics_url)
        await asyncio.sleep(TAIL_S)
        cpu = meter.stop()
        return {name: time.total_us / answer["messages"] for name, time in cpu.items()}, answer


def _percentile_ms(answers: Sequence[Mapping[str, Any]], name: str, share: float) -> float:
    return 1000 * median([percentile(answer[name], share) for answer in answers])


def _sizes(lanes: Mapping[str, Delivered]) -> dict[str, float]:
    return {name: one.items / one.batches for name, one in lanes.items() if one.batches}

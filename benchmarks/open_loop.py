"""A fleet as it is in life: thousands of stations that say little each, at times of their own (an open loop)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.measuring import Acknowledged, Measured, Plan, measure, resident_bytes
from benchmarks.report import DATABASE
from benchmarks.servers import Mesh

WORKLOAD = "Mixed"
RATE = 500.0
STATIONS, FEW = 10_000, 100
# Each of 10,000 stations speaks every 20 s: this is once in the windows, and a few thousand before.
FULL = Plan(warm_up_s=5.0, window_s=5.0, windows=4, rate=RATE)
QUICK = Plan(warm_up_s=2.0, window_s=3.0, windows=2, rate=RATE)
KEPT_UP = 0.9  # of the rate; the rest is the wait for the last answers of a window
P99_TARGET_MS, MEMORY_TARGET_KIB, COST_TARGET = 100, 40, 0.15


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """The same messages a second from many stations and from few. CPU is in microseconds per message."""

    few: Measured
    many: Measured
    gateway_kib_each: float  # beyond the process before any station came

    @property
    def acknowledged(self) -> Acknowledged:
        """The settings of both groups of stations."""
        return self.few.acknowledged + self.many.acknowledged

    @property
    def dearer(self) -> float:
        """By which share a message of ours costs more over many stations than over few."""
        return _ours(self.many) / _ours(self.few) - 1

    @property
    def shortfall(self) -> str | None:
        """The findings if the system could not keep up with the schedule; its latencies mean little then."""
        if self.many.rate >= KEPT_UP * RATE:
            return None
        return f"{self.many.target}: only {self.many.rate:.0f} messages a second were answered, of {RATE:.0f} due"

    def to_json(self) -> dict[str, Any]:
        """All figures, by name."""
        return {
            "rate": RATE,
            "gateway_kib_each": self.gateway_kib_each,
            "dearer": self.dearer,
            **{
                name: {
                    "stations": one.stations,
                    "messages_per_s": one.rate,
                    "p50_ms": one.p50_ms,
                    "p99_ms": one.p99_ms,
                    "cpu_us_per_message": dict(one.cpu_us),
                }
                for name, one in (("few", self.few), ("many", self.many))
            },
        }

    def describe(self) -> str:
        """In a few lines, targets beside."""
        many, few = self.many, self.few
        return (
            f"{many.target}, {many.stations:,} stations, {RATE:,.0f} heartbeats and meter values a second in an open "
            f"loop ({many.rate:,.0f} answered): p50 {many.p50_ms:.1f} ms, p99 {many.p99_ms:.1f} ms "
            f"(< {P99_TARGET_MS}; of {few.stations} stations {few.p99_ms:.1f} ms), gateway memory "
            f"{self.gateway_kib_each:.0f} KiB each (≤ {MEMORY_TARGET_KIB})\n"
            f"  a message costs {_ours(many):.0f} µs, with the database {sum(many.cpu_us.values()):.0f} µs; of "
            f"{few.stations} stations {_ours(few):.0f} µs and {sum(few.cpu_us.values()):.0f} µs: "
            f"{100 * self.dearer:+.0f} % (≤ {100 * COST_TARGET:+.0f} %)\n"
            f"  by process, {many.stations:,} and {few.stations} stations: "
            + ", ".join(f"{name} {us:.0f} and {few.cpu_us[name]:.0f}" for name, us in many.cpu_us.items())
        )


async def measure_fleet(
    mesh: Mesh, *, few: Sequence[str], many: Sequence[str], plan: Plan, load_processes: int
) -> Fleet:
    """Measures both on a mesh that has served nobody yet: memory counts from there. Raises BenchmarkError."""
    empty = resident_bytes(mesh.target)["gateway"]

    async def run(stations: Sequence[str]) -> Measured:
        return await measure(
            mesh.target, workload=WORKLOAD, stations=stations, plan=plan, load_processes=load_processes
        )

    at_first = await run(few)
    measured = await run(many)
    return Fleet(
        few=at_first,
        many=measured,
        gateway_kib_each=(measured.resident_bytes["gateway"] - empty) / len(many) / 1024,
    )


def _ours(measured: Measured) -> float:
    return sum(us for name, us in measured.cpu_us.items() if name != DATABASE)

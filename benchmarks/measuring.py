"""Measures one workload against one server: a warm-up, then short windows, of which the medians count."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from benchmarks.accounting import CpuMeter, CpuTime, missing, read_all, tree_resident_bytes
from benchmarks.batches import Lanes, drain, read_lanes
from benchmarks.errors import BenchmarkError
from benchmarks.figures import median, percentile
from benchmarks.loaders import Loaders
from benchmarks.tls import TlsTarget

# Work that a message leaves after its answer (message log, outbox) is paid for by the window it belongs to: the
# window ends when the gateway has handed all of it over, and this much later.
TAIL_S = 0.4


@dataclass(frozen=True, kw_only=True)
class Target:
    """A server under load: where it is, and the processes that do its work, by name. `database` names one of them."""

    name: str
    host: str
    port: int
    path: str
    roots: Mapping[str, int]
    is_mesh: bool = True
    metrics_url: str | None = None  # the gateway's, for Prometheus
    tls: TlsTarget | None = None  # None: its port is plain

    def address(self) -> dict[str, Any]:
        """Where stations connect, as the load's processes are given it."""
        tls = None if self.tls is None else asdict(self.tls)
        return {"host": self.host, "port": self.port, "path": self.path, "tls": tls}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How long to measure, and how: in a closed loop, or in an open one of `rate` messages a second in all."""

    warm_up_s: float
    window_s: float
    windows: int
    rate: float | None = None


@dataclass(frozen=True, kw_only=True)
class Window:
    """One window. CPU is by process."""

    messages: int
    seconds: float
    latencies_s: Sequence[float]
    cpu: Mapping[str, CpuTime]


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Medians over the windows. `cpu_us` is per message, by process; `acknowledged` adds up the results of `finish`."""

    target: str
    workload: str
    stations: int
    messages: int
    rate: float
    p50_ms: float
    p99_ms: float
    cpu_us: Mapping[str, float]
    system_share: Mapping[str, float] = field(default_factory=dict)  # of the CPU time, by process: the kernel's
    lanes: Lanes = field(default_factory=dict)  # what the gateway sent on meanwhile
    dropped: int = 0  # frames that found no place in the message log, and cost nothing there
    resident_bytes: Mapping[str, int] = field(default_factory=dict)  # by process, all stations connected, at the end
    acknowledged: "Acknowledged"


@dataclass(frozen=True, kw_only=True)
class Acknowledged:
    """Transaction messages that were answered, and the energy of the stops among them."""

    starts: int = 0
    meter_values: int = 0
    stops: int = 0
    energy_wh: int = 0
    names: frozenset[str] = field(default_factory=frozenset)  # station/transaction

    def __add__(self, other: "Acknowledged") -> "Acknowledged":
        return Acknowledged(
            starts=self.starts + other.starts,
            meter_values=self.meter_values + other.meter_values,
            stops=self.stops + other.stops,
            energy_wh=self.energy_wh + other.energy_wh,
            names=self.names | other.names,
        )


def add_up(told: Iterable[Mapping[str, Any]]) -> Acknowledged:
    """The sum of the answers of the load's processes to `finish`."""
    found = Acknowledged()
    for one in told:
        found += Acknowledged(**{**one, "names": frozenset(one["names"])})
    return found


async def measure(
    target: Target, *, workload: str, stations: Sequence[str], plan: Plan, load_processes: int
) -> Measured:
    """Runs a workload. Raises BenchmarkError where a station is refused, cut off or not answered."""
    async with Loaders(processes=load_processes) as loaders:
        await loaders.share(
            "connect",
            stations=stations,
            **target.address(),
            workload=workload,
            boot=target.is_mesh,
        )
        await _run(loaders, plan, seconds=plan.warm_up_s, record=False)
        dropped_before = await drain(target.metrics_url)
        await asyncio.sleep(TAIL_S)
        lanes_before = await read_lanes(target.metrics_url)
        windows = [await _window(loaders, target, plan) for _ in range(plan.windows)]
        lanes = {name: found - lanes_before[name] for name, found in (await read_lanes(target.metrics_url)).items()}
        dropped = await drain(target.metrics_url) - dropped_before
        resident = resident_bytes(target)
        told = await loaders.all("finish")
    if gone := missing(target.roots.values()):
        raise BenchmarkError(f"processes of {target.name} died during {workload}: {gone}")
    found = _summarize(target, workload, len(stations), windows, told)
    return replace(found, resident_bytes=resident, lanes=lanes, dropped=dropped)


def resident_bytes(target: Target) -> dict[str, int]:
    """The resident memory of each of the target's processes, by name."""
    stats = read_all()
    return {name: tree_resident_bytes(root, stats) for name, root in target.roots.items()}


async def _run(loaders: Loaders, plan: Plan, *, seconds: float, record: bool) -> list[dict[str, Any]]:
    if plan.rate is None:
        return await loaders.all("run", seconds=seconds, record=record)
    return await loaders.all("pace", seconds=seconds, record=record, rate=plan.rate / loaders.count)


async def _window(loaders: Loaders, target: Target, plan: Plan) -> Window:
    meter = CpuMeter(target.roots)
    meter.start()
    answers = await _run(loaders, plan, seconds=plan.window_s, record=True)
    await drain(target.metrics_url)
    await asyncio.sleep(TAIL_S)
    cpu = meter.stop()
    messages = sum(answer["messages"] for answer in answers)
    if not messages:
        raise BenchmarkError(f"{target.name} answered nothing within {plan.window_s} s")
    return Window(
        messages=messages,
        seconds=max(answer["seconds"] for answer in answers),
        latencies_s=[latency for answer in answers for latency in answer["latencies_s"]],
        cpu=cpu,
    )


def _summarize(
    target: Target, workload: str, stations: int, windows: Sequence[Window], told: Sequence[Mapping[str, Any]]
) -> Measured:
    return Measured(
        target=target.name,
        workload=workload,
        stations=stations,
        messages=sum(window.messages for window in windows),
        rate=median([window.messages / window.seconds for window in windows]),
        p50_ms=1000 * median([percentile(window.latencies_s, 0.5) for window in windows]),
        p99_ms=1000 * median([percentile(window.latencies_s, 0.99) for window in windows]),
        cpu_us={n: median([window.cpu[n].total_us / window.messages for window in windows]) for n in target.roots},
        system_share={name: _system_share([window.cpu[name] for window in windows]) for name in target.roots},
        acknowledged=add_up(told),
    )


def _system_share(times: Sequence[CpuTime]) -> float:
    total_us = sum(time.total_us for time in times)
    return sum(time.system_us for time in times) / total_us if total_us else 0.0

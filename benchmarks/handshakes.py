"""Thousands of stations that open their sockets at once, without TLS and with it: CPU, time and memory of each.

A handshake is measured from the station's first attempt to the answer 101: TLS, the request, and the connection that
station_svc opens. Memory is that of a gateway that has served nobody before, so that it does not use freed pages again.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from benchmarks.accounting import CpuMeter, missing, read_all, tree_resident_bytes
from benchmarks.batches import drain, read_stations
from benchmarks.errors import BenchmarkError
from benchmarks.figures import percentile
from benchmarks.loaders import Loaders
from benchmarks.measuring import TAIL_S, Target
from benchmarks.report import DATABASE, align

PLAIN, FULL, RESUMED, FORMER = "plain", "TLS 1.3", "TLS 1.3, resumed", "TLS 1.2, ECDHE"
WITHIN_S = 200.0
SETTLE_S = 2.0
_POLL_S = 0.2
_GONE_S = 60.0


@dataclass(frozen=True, kw_only=True)
class Handshakes:
    """The handshakes of stations that came at once; CPU is in µs each, by process."""

    kind: str
    stations: int
    seconds: float  # until the last one was admitted
    p50_s: float
    p99_s: float
    cpu_us: Mapping[str, float]
    resumed: int
    failed_attempts: int  # of stations that were admitted later

    @property
    def ours_us(self) -> float:
        """CPU of our own processes."""
        return sum(us for name, us in self.cpu_us.items() if name != DATABASE)


@dataclass(frozen=True, kw_only=True)
class Found:
    """The handshakes of each kind, and KiB of the gateway for each idle station, by kind."""

    handshakes: Sequence[Handshakes]
    idle_kib_each: Mapping[str, float]

    def __add__(self, other: "Found") -> "Found":
        return Found(
            handshakes=[*self.handshakes, *other.handshakes],
            idle_kib_each={**self.idle_kib_each, **other.idle_kib_each},
        )

    def to_json(self) -> dict[str, Any]:
        """All figures."""
        return {"handshakes": [asdict(one) for one in self.handshakes], "idle_kib_each": dict(self.idle_kib_each)}

    def describe(self) -> str:
        """As a table."""
        head = ["handshakes", "stations", "all after s", "p50 s", "p99 s", "gateway µs", "ours µs", "resumed", "again"]
        rows = [
            [
                one.kind,
                f"{one.stations:,}",
                f"{one.seconds:.1f}",
                f"{one.p50_s:.1f}",
                f"{one.p99_s:.1f}",
                f"{one.cpu_us['gateway']:.0f}",
                f"{one.ours_us:.0f}",
                f"{one.resumed:,}",
                f"{one.failed_attempts:,}",
            ]
            for one in self.handshakes
        ]
        idle = ", ".join(f"{kind} {kib:.1f} KiB" for kind, kib in self.idle_kib_each.items())
        return f"{align([head, *rows])}\nmemory of the gateway for each idle station: {idle}"


async def measure_plain(target: Target, stations: Sequence[str], *, load_processes: int = 1) -> Found:
    """The stations without TLS, at a fresh gateway. Raises BenchmarkError where one is not admitted."""
    async with Loaders(processes=load_processes) as loaders:
        idle_kib = await _first_visit(loaders, target, stations)
        found = await _visit(loaders, target, stations, PLAIN)
    return Found(handshakes=[found], idle_kib_each={PLAIN: idle_kib})


async def measure_tls(target: Target, stations: Sequence[str], *, load_processes: int = 1) -> Found:
    """The same with TLS: full handshakes, resumed ones, and those of TLS 1.2."""
    assert target.tls is not None  # noqa: S101 - the caller's choice
    keeping = replace(target, tls=replace(target.tls, resume=True))
    former = replace(target, tls=replace(target.tls, version="TLSv1.2"))
    async with Loaders(processes=load_processes) as loaders:
        idle_kib = await _first_visit(loaders, target, stations)
        found = [
            await _visit(loaders, keeping, stations, FULL),
            await _visit(loaders, keeping, stations, RESUMED),
            await _visit(loaders, former, stations, FORMER),
        ]
    return Found(handshakes=found, idle_kib_each={FULL: idle_kib})


async def _first_visit(loaders: Loaders, target: Target, stations: Sequence[str]) -> float:
    """Has all stations registered; returns the KiB of the gateway for each while they are idle."""
    before = tree_resident_bytes(target.roots["gateway"], read_all())
    await _arrive(loaders, target, stations)
    await drain(target.metrics_url)
    await asyncio.sleep(SETTLE_S)
    after = tree_resident_bytes(target.roots["gateway"], read_all())
    await _leave(loaders, target)
    return (after - before) / len(stations) / 1024


async def _visit(loaders: Loaders, target: Target, stations: Sequence[str], kind: str) -> Handshakes:
    meter = CpuMeter(target.roots)
    meter.start()
    answers = await _arrive(loaders, target, stations)
    await drain(target.metrics_url)
    await asyncio.sleep(TAIL_S)
    cpu = meter.stop()
    await _leave(loaders, target)
    took_s = [one for answer in answers for one in answer["took_s"]]
    return Handshakes(
        kind=kind,
        stations=len(stations),
        seconds=max(took_s),
        p50_s=percentile(took_s, 0.5),
        p99_s=percentile(took_s, 0.99),
        cpu_us={name: time.total_us / len(stations) for name, time in cpu.items()},
        resumed=sum(answer["resumed"] for answer in answers),
        failed_attempts=sum(answer["failed_attempts"] for answer in answers),
    )


async def _arrive(loaders: Loaders, target: Target, stations: Sequence[str]) -> list[dict[str, Any]]:
    answers = await loaders.share("arrive", stations=stations, within_s=WITHIN_S, **target.address())
    if late := sum(answer["late"] for answer in answers):
        failures = "; ".join(failure for answer in answers for failure in answer["failures"])
        raise BenchmarkError(f"{late} of {len(stations)} stations were not admitted in {WITHIN_S:.0f} s: {failures}")
    if gone := missing(target.roots.values()):
        raise BenchmarkError(f"processes of {target.name} died: {gone}")
    return answers


async def _leave(loaders: Loaders, target: Target) -> None:
    """Lets all stations leave, and waits until the gateway has noted it."""
    await loaders.all("leave")
    assert target.metrics_url is not None  # noqa: S101 - a mesh has one
    for _ in range(int(_GONE_S / _POLL_S)):
        if not await read_stations(target.metrics_url):
            await drain(target.metrics_url)
            return
        await asyncio.sleep(_POLL_S)
    raise BenchmarkError(f"the gateway still had stations {_GONE_S:.0f} s after they left")

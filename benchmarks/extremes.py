"""Cases beside the closed loop: thousands of stations that arrive at once, and the way of a command down and back."""

import resource
import time
from collections.abc import Sequence
from dataclasses import dataclass

from csms.station.v1 import command_service_pb2, command_service_pb2_grpc

from benchmarks.accounting import read_all, tree_resident_bytes
from benchmarks.errors import BenchmarkError
from benchmarks.figures import percentile
from benchmarks.loaders import Loaders
from benchmarks.operator_calls import logged_in
from benchmarks.servers import Mesh

COMMANDS = 200
COMMAND_TIMEOUT_S = 10.0


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """A storm: how long until all were accepted, each connection's memory, and how long a command takes then."""

    stations: int
    seconds: float
    gateway_kib_each: float
    command_p50_ms: float
    command_p99_ms: float

    def describe(self, database: str) -> str:
        """In one line, targets beside."""
        return (
            f"{database}, {self.stations:,} stations connect and boot at once: all accepted after {self.seconds:.1f} s "
            f"(10,000: ≤ 20), gateway memory {self.gateway_kib_each:.0f} KiB each (≤ 40); a command from the operator "
            f"port to a station and back: p50 {self.command_p50_ms:.1f} ms (≤ 10), p99 {self.command_p99_ms:.1f} ms"
        )


def allow_sockets(stations: int) -> None:
    """Raises the limit of open files for this process and those it starts. Raises BenchmarkError where it cannot."""
    needed = stations + 500
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft >= needed:
        return
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise BenchmarkError(f"{stations} stations need {needed} open files, and the limit is {hard}: see ulimit -n")
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


async def storm(mesh: Mesh, *, stations: Sequence[str], load_processes: int) -> Arrival:
    """Lets all stations arrive at once. Raises BenchmarkError unless every one of them is accepted."""
    target = mesh.target
    before = tree_resident_bytes(target.roots["gateway"], read_all())
    async with Loaders(processes=load_processes) as loaders:
        answers = await loaders.share("storm", stations=stations, **target.address())
        accepted = sum(answer["accepted"] for answer in answers)
        if accepted != len(stations):
            failures = [failure for answer in answers for failure in answer["failures"]]
            raise BenchmarkError(f"only {accepted} of {len(stations)} stations were accepted: {'; '.join(failures)}")
        after = tree_resident_bytes(target.roots["gateway"], read_all())
        latencies_s = await _commands(mesh, stations)
        await loaders.all("finish")
    return Arrival(
        stations=len(stations),
        seconds=max(answer["seconds"] for answer in answers),
        gateway_kib_each=(after - before) / len(stations) / 1024,
        command_p50_ms=1000 * percentile(latencies_s, 0.5),
        command_p99_ms=1000 * percentile(latencies_s, 0.99),
    )


async def _commands(mesh: Mesh, stations: Sequence[str]) -> list[float]:
    """Seconds that one command after the other takes, each to another station."""
    latencies_s = []
    async with logged_in(mesh, "station") as (channel, metadata):
        stub = command_service_pb2_grpc.CommandServiceStub(channel)
        for index in range(COMMANDS):
            request = command_service_pb2.ClearCacheRequest(station_id=stations[index % len(stations)])
            began_s = time.perf_counter()
            await stub.ClearCache(request, metadata=metadata, timeout=COMMAND_TIMEOUT_S)
            latencies_s.append(time.perf_counter() - began_s)
    return latencies_s

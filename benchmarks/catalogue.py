"""The workloads that there are."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from benchmarks.workloads import LoadedStation, Script
from benchmarks.workloads_fleet import fleet_station
from benchmarks.workloads_v201 import LoadedStation201, live_station


@dataclass(frozen=True, kw_only=True)
class Workload:
    """The workloads: messages of each station before, in and after the closed loop."""

    name: str
    station: Callable[..., LoadedStation] = LoadedStation
    before: Callable[[Any], Script] | None
    loop: Callable[[Any], Script]
    after: Callable[[Any], Script] | None
    only: str | None = None  # the action whose latency counts; None: every one
    apart: str | None = None  # the action whose latency is kept apart from that of the others


WORKLOADS = {
    workload.name: workload
    for workload in (
        Workload(name="Heartbeat", before=None, loop=LoadedStation.heartbeats, after=None),
        Workload(
            name="MeterValues",
            before=LoadedStation.start,
            loop=LoadedStation.meter_values,
            after=LoadedStation.stop,
        ),
        Workload(name="Authorize", before=None, loop=LoadedStation.authorizations, after=None),
        # For open loops.
        Workload(
            name="Mixed",
            before=LoadedStation.start,
            loop=LoadedStation.mixed,
            after=LoadedStation.stop,
        ),
        Workload(
            name="Fleet",
            station=fleet_station,
            before=lambda station: station.enter(),
            loop=lambda station: station.live(),
            after=lambda station: station.stop(),
            apart="Heartbeat",  # the only one that is answered without a commit
        ),
        # Sessions of both versions, for an open loop beside a storm.
        Workload(
            name="Live",
            station=live_station,
            before=None,
            loop=lambda station: station.sessions(),
            after=lambda station: station.stop(),
        ),
        Workload(name="Session", before=None, loop=LoadedStation.sessions, after=LoadedStation.stop),
        Workload(
            name="Session201",
            station=LoadedStation201,
            before=None,
            loop=lambda station: station.sessions(),
            after=lambda station: station.stop(),
        ),
        Workload(
            name="StartTransaction",
            before=None,
            loop=LoadedStation.lone_starts,
            after=LoadedStation.stop,
            only="StartTransaction",
        ),
    )
}

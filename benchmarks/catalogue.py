"""The workloads that there are."""

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.workloads import LoadedStation, Script
from benchmarks.workloads_v201 import LoadedStation201


@dataclass(frozen=True, kw_only=True)
class Workload:
    """The workloads: messages of each station before, in and after the closed loop."""

    name: str
    station: type[LoadedStation] = LoadedStation
    subprotocol: str = "ocpp1.6"
    before: Callable[[LoadedStation], Script] | None
    loop: Callable[[LoadedStation], Script]
    after: Callable[[LoadedStation], Script] | None
    only: str | None = None  # the action whose latency counts; None: every one


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
        # For open loops.
        Workload(
            name="Mixed",
            before=LoadedStation.start,
            loop=LoadedStation.mixed,
            after=LoadedStation.stop,
        ),
        Workload(name="Session", before=None, loop=LoadedStation.sessions, after=LoadedStation.stop),
        Workload(
            name="Session201",
            station=LoadedStation201,
            subprotocol="ocpp2.0.1",
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

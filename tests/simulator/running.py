"""Simulated stations for tests: one that lives, is connected, and has no drivers of its own."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from random import Random
from typing import Protocol

from mesh.runtime.backoff import Backoff
from simulator.clocks import StationClock
from simulator.fleet import set_quirks
from simulator.line import Access, Line
from simulator.runner import Dialect, Runner
from simulator.station import Identity, Station
from simulator.v16.dialect import Dialect16
from simulator.vehicle import Vehicle
from tests.simulator.central import Central

SPEED = 600.0  # a minute of the station's life in a tenth of a second


class Listening(Protocol):
    """A central system of the tests."""

    port: int


def make_runner(
    central: Listening,
    *quirks: int,
    password: str | None = None,
    station_id: str = "CP001",
    dialect: Dialect | None = None,
) -> Runner:
    """A station for `central`, without drivers, with quirks of simulator.misbehaviour; of 1.6 unless said otherwise."""
    dialect = dialect or Dialect16(quirks=frozenset(quirks))
    identity = Identity(station_id=station_id, vendor="V", model="M", serial_number="S", firmware_version="1")
    clock = StationClock(speed=SPEED)
    station = Station(
        identity=identity, connector_powers_w=(11_000, 11_000), start_wh=(1_000, 0), to_real=clock.to_real
    )
    set_quirks(station, frozenset(quirks))
    return Runner(
        station=station,
        dialect=dialect,
        line=Line(
            station_id=station_id,
            access=Access(url=f"ws://127.0.0.1:{central.port}/ocpp", password=password),
            subprotocol=dialect.subprotocol,
            quirks=frozenset(quirks),
            late_close_s=2.0,
        ),
        clock=clock,
        backoff=Backoff(first_s=0.05, most_s=0.2, uniform=Random(1).uniform),  # noqa: S311 - no secret
        quirks=frozenset(quirks),
    )


@asynccontextmanager
async def running(
    central: Listening,
    *quirks: int,
    password: str | None = None,
    station_id: str = "CP001",
    dialect: Dialect | None = None,
) -> AsyncIterator[Runner]:
    """A station that lives and is connected to `central`, with quirks of simulator.misbehaviour."""
    runner = make_runner(central, *quirks, password=password, station_id=station_id, dialect=dialect)
    task = asyncio.create_task(runner.run())
    try:
        yield runner
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def plug_in(runner: Runner, connector_id: int = 1) -> None:
    """A vehicle arrives."""
    vehicle = Vehicle(capacity_wh=60_000, soc=0.2, max_power_w=11_000)
    runner.station.connectors[connector_id].plug_in(vehicle)


def swipe(runner: Runner, connector_id: int = 1, id_tag: str = "TAG") -> None:
    """Somebody holds a tag to the reader."""
    runner.station.swipe(runner.station.connectors[connector_id], id_tag)
    runner.collect()


async def until(condition: Callable[[], bool], timeout_s: float = 60.0) -> None:
    """Waits for something inside the simulator, which nobody announces."""
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def booted(central: Central) -> None:
    """Waits until the station has booted and reported its statuses."""
    await central.until(lambda: len(central.of("StatusNotification")) >= 3)

"""The stations of a simulator while it runs: each with a task of its own, switched on and off one by one."""

import asyncio
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from simulator.runner import Runner

SWITCH_OFF_S = 3.0  # how long stations that are switched off may take to say so
MOST_ON = 100
_LOOK_S = 0.02


class FleetFullError(Exception):
    """As many stations are switched on as may be."""


@dataclass(kw_only=True)
class _Place:
    """A station's place; `changing` is held while it is switched on or off."""

    runner: Runner
    task: asyncio.Task[None] | None = None
    stopped_s: float = 0.0  # when it was switched off
    changing: asyncio.Lock = field(default_factory=asyncio.Lock)


class LiveFleet:
    """Runs stations. `run` runs until it is stopped; other stations come and go meanwhile."""

    def __init__(self, runners: Iterable[Runner], *, most_on: int = MOST_ON) -> None:
        self._places = {_id(runner): _Place(runner=runner) for runner in runners}
        self._most_on = max(most_on, len(self._places))
        self._failed = asyncio.Event()
        self._failure: BaseException | None = None

    def find(self, station_id: str) -> Runner | None:
        """A station, on or off."""
        place = self._places.get(station_id)
        return None if place is None else place.runner

    def all(self) -> Sequence[Runner]:
        """All stations by id, on or off."""
        return [self._places[station_id].runner for station_id in sorted(self._places)]

    def add(self, runner: Runner) -> None:
        """Adds a station that is new, and switches it on. Raises FleetFullError."""
        self._make_room()
        place = self._places[_id(runner)] = _Place(runner=runner)
        self._begin(place)

    async def switch_on(self, station_id: str) -> bool:
        """Switches a station of the fleet on; whether it was off. Raises FleetFullError."""
        place = self._places[station_id]
        async with place.changing:
            if place.task is not None:
                return False
            self._check_room()
            place.runner.switch_on()
            self._begin(place)
            return True

    async def switch_off(self, station_id: str) -> None:
        """Switches a station of the fleet off, once it has said what it has to say. Does nothing where it is off."""
        place = self._places[station_id]
        async with place.changing:
            if place.task is None:
                return
            await _say_the_last([place.runner])
            place.task.cancel()
            await asyncio.gather(place.task, return_exceptions=True)
            place.task, place.stopped_s = None, time.monotonic()

    async def run(self, stop: asyncio.Event) -> None:
        """Runs the stations until `stop` is set, then switches them off and closes their sockets.

        A station that leaves in the middle of a transaction ends it first, so that none stays open for ever. Raises
        what a station failed of.
        """
        for place in self._places.values():
            self._begin(place)
        waiting = [asyncio.create_task(event.wait()) for event in (stop, self._failed)]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            await _say_the_last([place.runner for place in self._places.values() if place.task is not None])
        finally:
            running = [place.task for place in self._places.values() if place.task is not None]
            for task in (*running, *waiting):
                task.cancel()
            await asyncio.gather(*running, *waiting, return_exceptions=True)
        if self._failure is not None:
            raise self._failure

    def _begin(self, place: _Place) -> None:
        place.task = asyncio.create_task(place.runner.run(), name=_id(place.runner))
        place.task.add_done_callback(self._note_end)

    def _note_end(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._failure = self._failure or error
            self._failed.set()

    def _check_room(self) -> None:
        if sum(place.task is not None for place in self._places.values()) >= self._most_on:
            raise FleetFullError

    def _make_room(self) -> None:
        """Room for a new station: where there is none, the one that was switched off first goes."""
        self._check_room()
        if len(self._places) >= self._most_on:
            off = {station_id: place for station_id, place in self._places.items() if place.task is None}
            del self._places[min(off, key=lambda station_id: off[station_id].stopped_s)]


async def run_all(runners: Iterable[Runner], stop: asyncio.Event) -> None:
    """Runs stations until `stop` is set; see LiveFleet.run."""
    await LiveFleet(runners).run(stop)


async def _say_the_last(runners: Sequence[Runner]) -> None:
    for runner in runners:
        runner.switch_off()
    until_s = time.monotonic() + SWITCH_OFF_S
    while time.monotonic() < until_s and any(runner.has_to_say for runner in runners):  # noqa: ASYNC110 - seconds
        await asyncio.sleep(_LOOK_S)


def _id(runner: Runner) -> str:
    return runner.station.identity.station_id

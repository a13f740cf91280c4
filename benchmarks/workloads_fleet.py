"""The life of a fleet's stations, for open loops: few messages each, at times of their own, in a fixed mix.

Of a hundred messages 50 are meter values of a transaction, 35 heartbeats, 8 begin or end a transaction, 5 are connector
statuses and 2 ask for an authorization. Stations begin at different places of these hundred.
"""

import zlib
from collections.abc import Iterator
from itertools import cycle, zip_longest
from typing import ClassVar

from benchmarks.templates import TEXT, template
from benchmarks.workloads import HEARTBEAT, Ledger, LoadedStation, Script
from benchmarks.workloads_v201 import LoadedStation201
from station_kit.v16 import messages as v16
from station_kit.v201 import messages as v201


def _session(meter_values: int, heartbeats: int, *, authorize: bool, prepare: bool) -> Iterator[str]:
    yield from ("prepare",) if prepare else ()
    yield from ("authorize",) if authorize else ()
    yield "start"
    for value, beat in zip_longest(["values"] * meter_values, ["heartbeat"] * heartbeats):
        yield value
        if beat is not None:
            yield beat
    yield "stop"
    yield "available"


CYCLE = (
    *_session(12, 9, authorize=True, prepare=True),
    *_session(13, 9, authorize=False, prepare=False),
    *_session(12, 9, authorize=True, prepare=False),
    *_session(13, 8, authorize=False, prepare=False),
)


class FleetStation(LoadedStation):
    """A station of OCPP 1.6."""

    PREPARING: ClassVar = template(v16.status_notification(status="Preparing", timestamp=TEXT))

    def enter(self) -> Script:
        """Brings the station to its place in the cycle: a transaction is begun where one is under way there."""
        before = [step for step in CYCLE[: self._place()] if step in ("start", "stop")]
        if before and before[-1] == "start":
            yield from self.start()

    def live(self) -> Script:
        """The cycle for ever, from the station's place on."""
        place = self._place()
        for step in cycle(CYCLE[place:] + CYCLE[:place]):
            yield from self._play(step)

    def _place(self) -> int:
        return zlib.crc32(self.station_id.encode()) % len(CYCLE)

    def _play(self, step: str) -> Script:
        match step:
            case "start":
                yield from self.start()
            case "values":
                yield from self._values()
            case "stop":
                yield from self.stop()
            case "authorize":
                yield self.AUTHORIZE % self._id_tag
            case "prepare":
                yield self.PREPARING % self._now()
            case "available":
                yield self.AVAILABLE % self._now()
            case _:
                yield HEARTBEAT

    def _values(self) -> Script:
        yield self._meter_message()
        self._ledger.meter_values += 1


class FleetStation201(LoadedStation201, FleetStation):
    """A station of OCPP 2.0.1."""

    PREPARING: ClassVar = template(v201.status_notification(status="Occupied", timestamp=TEXT))

    def _values(self) -> Script:
        yield from self._update()


def fleet_station(*, station_id: str, id_tag: str, ledger: Ledger) -> FleetStation:
    """A station of a fleet of which every other one speaks 2.0.1."""
    kind = FleetStation201 if station_id[-1] in "13579" else FleetStation
    return kind(station_id=station_id, id_tag=id_tag, ledger=ledger)

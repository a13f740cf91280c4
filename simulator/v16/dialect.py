"""OCPP 1.6J, as a runner sees it."""

from typing import Any

from simulator.clocks import StationClock
from simulator.memory import Memory
from simulator.runner import Session
from simulator.station import Station
from simulator.v16.session import SUBPROTOCOL, Session16


class Dialect16:
    """See simulator.runner.Dialect."""

    subprotocol = SUBPROTOCOL

    def open(self, *, station: Station, memory: Memory, clock: StationClock, connection: Any) -> Session:
        """A session over an open socket."""
        return Session16(station=station, memory=memory, clock=clock, connection=connection)

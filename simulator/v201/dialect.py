"""OCPP 2.0.1, as a runner sees it."""

from typing import Any

from simulator.clocks import StationClock
from simulator.memory import Memory
from simulator.runner import Session
from simulator.station import Station
from simulator.v201.holdings import Holdings
from simulator.v201.session import Session201
from station_kit.v201.version import V201


class Dialect201:
    """See simulator.runner.Dialect."""

    ocpp_version = "2.0.1"
    subprotocol = V201.subprotocol
    has_charging_states = True

    def __init__(self) -> None:
        self._holdings = Holdings()

    def open(self, *, station: Station, memory: Memory, clock: StationClock, connection: Any) -> Session:
        """A session over an open socket."""
        return Session201(station=station, memory=memory, clock=clock, connection=connection, holdings=self._holdings)

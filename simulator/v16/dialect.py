"""OCPP 1.6J, as a runner sees it."""

from typing import Any

from simulator.clocks import StationClock
from simulator.memory import Memory
from simulator.runner import Session
from simulator.station import Station
from simulator.v16.faulty_socket import Habits, Wire
from simulator.v16.session import Session16
from station_kit.v16.version import V16


class Dialect16:
    """See simulator.runner.Dialect. `quirks` are those that show in its frames (simulator.misbehaviour)."""

    ocpp_version = "1.6"
    subprotocol = V16.subprotocol
    has_charging_states = False

    def __init__(self, *, quirks: frozenset[int] = frozenset()) -> None:
        self._quirks = quirks
        self._habits: Habits | None = None

    def open(self, *, station: Station, memory: Memory, clock: StationClock, connection: Any) -> Session:
        """A session over an open socket."""
        if self._quirks:
            station_id = station.identity.station_id
            self._habits = self._habits or Habits(station_id=station_id, quirks=self._quirks)
            connection = Wire(connection=connection, habits=self._habits)
        return Session16(station=station, memory=memory, clock=clock, connection=connection)

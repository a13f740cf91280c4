"""How a 1.6 station answers the central system: each command goes to the station, its answer is put into 1.6's words.

The answers are in the modules `*_actions`, by feature profile. The `ocpp` library answers NotSupported for actions
that 1.6 does not have.
"""

from typing import Any

from ocpp.v16 import ChargePoint

from simulator.library import library_logger
from simulator.memory import Memory
from simulator.station import Station
from simulator.v16.certificate_actions import CertificateActions
from simulator.v16.core_actions import CoreActions
from simulator.v16.firmware_actions import FirmwareActions
from simulator.v16.list_actions import ListActions
from simulator.v16.log_actions import LogActions
from simulator.v16.profile_actions import ProfileActions
from simulator.v16.reservation_actions import ReservationActions
from simulator.v16.trigger_actions import TriggerActions


class ChargePoint16(
    CertificateActions,
    CoreActions,
    FirmwareActions,
    ListActions,
    LogActions,
    ProfileActions,
    ReservationActions,
    TriggerActions,
    ChargePoint,  # type: ignore[misc]  # the library has no types
):
    """One connection's end of the conversation. `triggered` holds messages that the central system asked for."""

    def __init__(self, *, station: Station, memory: Memory, connection: Any, response_timeout_s: float) -> None:
        super().__init__(
            station.identity.station_id, connection, response_timeout=response_timeout_s, logger=library_logger()
        )
        self.triggered = []
        self._station = station
        self._memory = memory

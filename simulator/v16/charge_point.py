"""How a 1.6 station answers the central system: each command goes to the station, its answer is put into 1.6's words.

The answers are in the modules `*_actions`, by feature profile. The `ocpp` library answers NotSupported for actions
that 1.6 does not have.
"""

import logging
from typing import Any

from ocpp.v16 import ChargePoint

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


class _OneLine(logging.Filter):
    """The library logs a traceback where a command is not implemented, which is an ordinary answer here."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.exc_info = None
        return True


def library_logger() -> logging.Logger:
    """The logger given to the library: its warnings, one line each."""
    logger = logging.getLogger("simulator.ocpp")
    logger.setLevel(logging.WARNING)
    if not logger.filters:
        logger.addFilter(_OneLine())
    return logger


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

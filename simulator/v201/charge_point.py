"""How a 2.0.1 station answers: each command goes to the station, its answer is put into OCPP's words.

The answers are in the modules `*_actions`, by functional block. The `ocpp` library answers NotImplemented for others:
publishing firmware, which only a local controller does.
"""

from collections import deque
from typing import Any

from ocpp.v201 import ChargePoint

from simulator.library import library_logger
from simulator.memory import Memory
from simulator.station import Station
from simulator.v201.authorization_actions import AuthorizationActions
from simulator.v201.certificate_actions import CertificateActions
from simulator.v201.control_actions import ControlActions
from simulator.v201.display_actions import DisplayActions
from simulator.v201.file_actions import FileActions
from simulator.v201.holdings import Holdings
from simulator.v201.monitoring_actions import MonitoringActions
from simulator.v201.profile_actions import ProfileActions
from simulator.v201.report_actions import ReportActions
from simulator.v201.reservation_actions import ReservationActions
from simulator.v201.transaction_actions import TransactionActions


class ChargePoint201(
    AuthorizationActions,
    CertificateActions,
    ControlActions,
    DisplayActions,
    FileActions,
    MonitoringActions,
    ProfileActions,
    ReportActions,
    ReservationActions,
    TransactionActions,
    ChargePoint,  # type: ignore[misc]  # the library has no types
):
    """One connection's end of the conversation. See simulator.v201.actions.Actions for the queues."""

    def __init__(
        self, *, station: Station, memory: Memory, holdings: Holdings, connection: Any, response_timeout_s: float
    ) -> None:
        super().__init__(
            station.identity.station_id, connection, response_timeout=response_timeout_s, logger=library_logger()
        )
        self.triggered = deque()
        self.outgoing = deque()
        self._station = station
        self._memory = memory
        self._holdings = holdings

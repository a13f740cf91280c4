"""The status of a connector, as StatusNotification and NotifyEvent report it, and what follows from it. Pure."""

from csms.station.v1.station_pb2 import CONNECTOR_STATUS_UNSPECIFIED, StatusReport

from gateway.ocpp.enums import CONNECTOR_STATUSES
from gateway.ocpp.v2.parts import set_evse
from gateway.ocpp.values import parse_us, set_time


def set_status(report: StatusReport, word: str, *, evse_id: int, connector_id: int, timestamp: str) -> None:
    """Writes a status, the station's own word kept beside it. UnacceptableError for numbers below 0."""
    set_evse(report.evse, evse_id, connector_id, "evseId")
    report.status = CONNECTOR_STATUSES.get(word, CONNECTOR_STATUS_UNSPECIFIED)
    report.reported_status = word
    us = parse_us(timestamp)
    if us is not None:
        set_time(report.status_time, us)

"""The state of a connector, in whichever message of 2.x it comes: StatusNotification, or NotifyEvent (G01.FR.07)."""

from collections.abc import Sequence

from csms.common.v1.origin_pb2 import Origin
from csms.station.v1.station_ingest_service_pb2 import StatusItem
from csms.station.v1.station_pb2 import CONNECTOR_STATUS_UNSPECIFIED, StatusReport
from google.protobuf.message import Message

from gateway.ocpp import station_events
from gateway.ocpp.enums import CONNECTOR_STATUSES
from gateway.ocpp.translation import IngestRpc
from gateway.ocpp.v2.parts import set_evse
from gateway.ocpp.values import parse_us, set_time


def to_status(*, evse_id: int, connector_id: int, word: str, time: str) -> StatusReport:
    """A status of a connector, the station's own word kept beside it.

    `word` is one of ConnectorStatusEnumType, which `Connector.AvailabilityState` has as its values too. Raises
    UnacceptableError for numbers that cannot be stored.
    """
    report = StatusReport()
    set_evse(report.evse, evse_id, connector_id, "evseId")
    report.status = CONNECTOR_STATUSES.get(word, CONNECTOR_STATUS_UNSPECIFIED)
    report.reported_status = word
    us = parse_us(time)
    if us is not None:
        set_time(report.status_time, us)
    return report


def to_status_items(origin: Origin, reports: Sequence[StatusReport]) -> dict[IngestRpc, Message]:
    """The items of the statuses that one frame reports, one at least, and the event of available connectors."""
    first, *others = reports
    items: dict[IngestRpc, Message] = {
        IngestRpc.STATUSES: StatusItem(origin=origin, status=first, further_statuses=others)
    }
    event = station_events.all_available(reports, origin)
    if event is not None:
        items[IngestRpc.STATION_EVENTS] = event
    return items

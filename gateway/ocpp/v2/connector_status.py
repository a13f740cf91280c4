"""The state of a connector, in whichever message of 2.x it comes: StatusNotification, or NotifyEvent (G01.FR.07)."""

from csms.common.v1.origin_pb2 import Origin
from csms.station.v1.station_ingest_service_pb2 import StatusItem
from csms.station.v1.station_pb2 import CONNECTOR_STATUS_UNSPECIFIED

from gateway.ocpp import station_events
from gateway.ocpp.enums import CONNECTOR_STATUSES
from gateway.ocpp.translation import IngestRpc, Items
from gateway.ocpp.v2.parts import set_evse
from gateway.ocpp.values import parse_us, set_time


def to_status_items(origin: Origin, *, evse_id: int, connector_id: int, word: str, time: str) -> Items:
    """A status of a connector, the station's own word kept beside it; and the event that it became available.

    `word` is one of ConnectorStatusEnumType, which `Connector.AvailabilityState` has as its values too. Raises
    UnacceptableError for numbers that cannot be stored.
    """
    item = StatusItem()
    item.origin.CopyFrom(origin)
    report = item.status
    set_evse(report.evse, evse_id, connector_id, "evseId")
    report.status = CONNECTOR_STATUSES.get(word, CONNECTOR_STATUS_UNSPECIFIED)
    report.reported_status = word
    us = parse_us(time)
    if us is not None:
        set_time(report.status_time, us)
    event = station_events.available(report, origin)
    return {IngestRpc.STATUSES: item} if event is None else {IngestRpc.STATUSES: item, IngestRpc.STATION_EVENTS: event}

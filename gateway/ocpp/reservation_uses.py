"""Reservations that a transaction names: station_svc is notified of their use. The same for every version."""

from csms.common.v1.origin_pb2 import Origin
from csms.station.v1.station_ingest_service_pb2 import ReportItem
from csms.transaction.v1.transaction_event_pb2 import TransactionEvent


def to_use(event: TransactionEvent, origin: Origin) -> ReportItem:
    """The report that the reservation of an event is used; 1.6 has no name for the transaction yet."""
    item = ReportItem(origin=origin)
    use = item.reservation_use
    use.reservation_id = event.reservation_id
    use.transaction_id = event.transaction_id
    if event.HasField("evse"):
        use.evse.CopyFrom(event.evse)
    if event.HasField("event_time"):
        use.use_time.CopyFrom(event.event_time)
    return item

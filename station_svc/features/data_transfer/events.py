"""The event of a vendor's own message."""

from csms.station.v1 import station_ingest_service_pb2

from mesh.events.outbox import OutboxEvent
from station_svc.core.events import of_frame
from station_svc.core.names import name_of
from station_svc.features.data_transfer.rows import Transfer


def data_transferred(transfer: Transfer) -> OutboxEvent:
    """A vendor-specific message was received; its data is in the list of data transfers only."""
    data = {
        "vendorId": transfer.vendor_id,
        "messageId": transfer.message_id,
        "status": name_of(station_ingest_service_pb2.DataTransferStatus.Name, transfer.status),
    }
    return of_frame("station.data_transferred", transfer.frame, data)

"""An event as a message of the contract."""

from csms.event.v1.event_service_pb2 import Event
from google.protobuf.struct_pb2 import Struct

from mesh.runtime.times import to_timestamp
from notification_svc.store import StoredEvent


def to_message(event: StoredEvent) -> Event:
    """The event, with its cursor."""
    return Event(
        event_id=event.event_id,
        cursor=event.cursor,
        type=event.type,
        source=event.source,
        station_id=event.station_id,
        event_time=to_timestamp(event.event_time_us),
        data=Struct.FromString(event.data),
        actor=event.actor,
    )

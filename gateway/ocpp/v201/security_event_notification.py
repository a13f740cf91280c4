"""SecurityEventNotification, A04."""

from csms.common.v1.origin_pb2 import Origin

from gateway.ocpp import security_events
from gateway.ocpp.results import nothing
from gateway.ocpp.translation import Inbound, Items, Payload


def to_items(payload: Payload, origin: Origin) -> Items:
    """A security event."""
    return security_events.to_items(payload, origin, names={}, criticalities=security_events.CRITICALITIES_2)


INBOUND = Inbound(to_items=to_items, to_response=nothing)

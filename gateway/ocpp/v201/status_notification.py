"""StatusNotification, G01."""

from csms.common.v1.origin_pb2 import Origin

from gateway.ocpp.translation import Inbound, Items, Payload, Results
from gateway.ocpp.v2.connector_status import to_status, to_status_items


def to_items(payload: Payload, origin: Origin) -> Items:
    """A status of a connector."""
    report = to_status(
        evse_id=payload["evseId"],
        connector_id=payload["connectorId"],
        word=payload["connectorStatus"],
        time=payload["timestamp"],
    )
    return to_status_items(origin, [report])


def to_response(_payload: Payload, _results: Results, _now_us: int) -> Payload:
    """Nothing but that it arrived."""
    return {}


INBOUND = Inbound(to_items=to_items, to_response=to_response)

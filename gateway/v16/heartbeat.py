"""Heartbeat, 1.6 section 4.6. The gateway answers by itself."""

from csms.common.v1.origin_pb2 import Origin

from gateway.translation import Inbound, Items, Payload, Results
from gateway.values import format_us


def to_items(_payload: Payload, _origin: Origin) -> Items:
    """Nothing: signs of life are noted for every frame alike."""
    return {}


def to_response(_payload: Payload, _results: Results, now_us: int) -> Payload:
    """The time."""
    return {"currentTime": format_us(now_us)}


INBOUND = Inbound(to_items=to_items, to_response=to_response)

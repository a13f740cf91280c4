"""Heartbeat, the same in every version: 1.6 section 4.6, 2.x part 2, G02.

The gateway answers by itself; signs of life are noted for every frame alike.
"""

from gateway.ocpp.translation import Inbound, Payload, Results
from gateway.ocpp.values import format_us


def to_response(_payload: Payload, _results: Results, now_us: int) -> Payload:
    """The time."""
    return {"currentTime": format_us(now_us)}


INBOUND = Inbound(to_items=None, to_response=to_response)

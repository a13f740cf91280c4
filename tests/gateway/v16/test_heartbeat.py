"""Heartbeat of 1.6."""

from gateway.ocpp.v16.routes import ROUTES
from tests.gateway.v16 import helpers


def test_heartbeat() -> None:
    """The gateway answers by itself, with its time."""
    assert ROUTES.inbound["Heartbeat"].to_items is None
    assert helpers.to_response("Heartbeat", {}, {}) == {"currentTime": helpers.NOW}

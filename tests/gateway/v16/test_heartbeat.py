"""Heartbeat of 1.6."""

from tests.gateway.v16 import helpers


def test_heartbeat() -> None:
    """The gateway answers by itself, with its time."""
    assert helpers.to_items("Heartbeat", {}) == {}
    assert helpers.to_response("Heartbeat", {}, {}) == {"currentTime": helpers.NOW}

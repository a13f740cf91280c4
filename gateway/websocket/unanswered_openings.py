"""Handshakes whose opening had no answer: station_svc may have opened a connection that no socket has, or may yet."""

from collections.abc import Callable
from typing import Any

from csms.station.v1 import station_ingest_service_pb2 as ingest

from gateway.websocket.closings import Closings

# An opening that timed out here may be committed there after its closing was: it is closed again. No transaction of
# station_svc takes as long as the last of these, nor does an RPC wait there as long after its caller has given up.
AGAIN_AFTER_S = (5.0, 30.0, 120.0)
# Closings that wait for their next time. Beyond it a connection is closed once only.
MOST_WAITING = 30_000


class UnansweredOpenings:
    """Has the connection of each such handshake closed, as soon as station_svc answers, and then some times again."""

    def __init__(
        self,
        *,
        closings: Closings,
        call_later: Callable[[float, Callable[[], None]], Any],
    ) -> None:
        self._closings = closings
        self._call_later = call_later
        self._waiting = 0

    def note(self, opening: ingest.OpenConnectionItem) -> None:
        """Has the connection of this handshake closed."""
        item = self._closings.add_opening(opening)
        for delay_s in AGAIN_AFTER_S:
            if self._waiting < MOST_WAITING:
                self._waiting += 1
                self._call_later(delay_s, lambda: self._close_again(item))

    def _close_again(self, item: ingest.CloseConnectionItem) -> None:
        self._waiting -= 1
        self._closings.repeat(item)

"""Handshakes whose opening had no answer: station_svc may have opened a connection that no socket has, or may yet."""

from collections.abc import Callable
from typing import Any

from csms.station.v1 import station_ingest_service_pb2 as ingest

from gateway.batching.buffers import Buffer
from mesh.times import Clock, to_timestamp

# An opening that timed out here may be committed there after its closing was: it is closed again. No transaction of
# station_svc takes as long as the last of these, nor does an RPC wait there as long without its caller.
AGAIN_AFTER_S = (5.0, 30.0, 120.0)
# Closings that wait for their next time. Beyond it a connection is closed once only.
MOST_WAITING = 30_000
NO_CODE = 1006  # no close frame at all


class UnansweredOpenings:
    """Has the connection of each such handshake closed, as soon as station_svc answers, and then some times again."""

    def __init__(
        self,
        *,
        closings: Buffer[ingest.CloseConnectionItem],
        clock: Clock,
        call_later: Callable[[float, Callable[[], None]], Any],
    ) -> None:
        self._closings = closings
        self._clock = clock
        self._call_later = call_later
        self._waiting = 0

    def note(self, opening: ingest.OpenConnectionItem) -> None:
        """Has the connection of this handshake closed. The buffer keeps it while station_svc is unavailable."""
        item = ingest.CloseConnectionItem(
            station_id=opening.station_id,
            opening_id=opening.opening_id,
            close_time=to_timestamp(self._clock()),
            close_code=NO_CODE,
        )
        self._closings.add(item)
        for delay_s in AGAIN_AFTER_S:
            if self._waiting < MOST_WAITING:
                self._waiting += 1
                self._call_later(delay_s, lambda: self._close_again(item))

    def _close_again(self, item: ingest.CloseConnectionItem) -> None:
        self._waiting -= 1
        self._closings.add(item)

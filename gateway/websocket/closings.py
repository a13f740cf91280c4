"""Reports of connections that are closed, to station_svc in the background."""

from csms.station.v1 import station_ingest_service_pb2 as ingest

from gateway.batching.background_buffer import Buffer
from mesh.runtime.times import Clock, to_timestamp

NO_CODE = 1006  # no close frame at all


class Closings:
    """Reports closed connections. The buffer keeps the reports while station_svc is unavailable."""

    def __init__(self, *, buffer: Buffer[ingest.CloseConnectionItem], clock: Clock) -> None:
        self._buffer = buffer
        self._clock = clock

    def add(self, *, tenant_id: str, station_id: str, epoch: int, code: int = NO_CODE) -> None:
        """Reports a connection by its epoch, closed now; `code` is the WebSocket close code."""
        self._buffer.add(
            ingest.CloseConnectionItem(
                tenant_id=tenant_id,
                station_id=station_id,
                epoch=epoch,
                close_time=to_timestamp(self._clock()),
                close_code=code,
            )
        )

    def add_opening(self, opening: ingest.OpenConnectionItem) -> ingest.CloseConnectionItem:
        """Reports the connection of an opening without an answer, closed now; returns the report."""
        item = ingest.CloseConnectionItem(
            tenant_id=opening.tenant_id,
            station_id=opening.station_id,
            opening_id=opening.opening_id,
            close_time=to_timestamp(self._clock()),
            close_code=NO_CODE,
        )
        self._buffer.add(item)
        return item

    def repeat(self, item: ingest.CloseConnectionItem) -> None:
        """Sends a report again, with its first time."""
        self._buffer.add(item)
